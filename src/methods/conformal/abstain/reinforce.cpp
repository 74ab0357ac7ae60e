// SPDX-License-Identifier: Apache-2.0
// The published learner, for comparison: state = (alpha, beta), a network 2 -> 64 ReLU -> mean(2), log-deviation(2), an action drawn
// from that normal law without squashing, (alpha, beta) <- clamp(state + step * action), REINFORCE without a baseline,
// loss = -(sum of log densities) * reward, one sample an epoch, Adam. The last (alpha, beta) is kept, not the best. Weights begin
// uniform in +-1 / sqrt(inputs), as the framework of the published code does.

#include <algorithm>
#include <array>
#include <cmath>

#include "methods/conformal/abstain/abstain.h"

namespace plimsoll::conformal::abstain {
namespace {

constexpr std::size_t hidden = 64;
constexpr std::size_t inputs = 2;
constexpr std::size_t outputs = 4;  // means, then logarithms of deviations

// All weights in one list, so that Adam is one loop.
struct Net {
  std::vector<double> w = std::vector<double>(hidden * inputs + hidden + outputs * hidden + outputs, 0.0);
  double* first() { return w.data(); }
  double* first_bias() { return w.data() + hidden * inputs; }
  double* second() { return first_bias() + hidden; }
  double* second_bias() { return second() + outputs * hidden; }
};

Net begin(Stream& stream) {
  Net net;
  const double in = 1 / std::sqrt(static_cast<double>(inputs));
  const double out = 1 / std::sqrt(static_cast<double>(hidden));
  const std::size_t lower = hidden * inputs + hidden;
  for (std::size_t i = 0; i < net.w.size(); ++i) net.w[i] = (2 * stream.uniform() - 1) * (i < lower ? in : out);
  return net;
}

struct Forward {
  std::array<double, hidden> active{};
  std::array<double, outputs> out{};
};

Forward forward(Net& net, const std::array<double, inputs>& x) {
  Forward f;
  for (std::size_t h = 0; h < hidden; ++h) {
    double sum = net.first_bias()[h];
    for (std::size_t i = 0; i < inputs; ++i) sum += net.first()[h * inputs + i] * x[i];
    f.active[h] = std::max(0.0, sum);
  }
  for (std::size_t o = 0; o < outputs; ++o) {
    double sum = net.second_bias()[o];
    for (std::size_t h = 0; h < hidden; ++h) sum += net.second()[o * hidden + h] * f.active[h];
    f.out[o] = sum;
  }
  return f;
}

// Gradient of the loss with respect to all weights, given that with respect to the outputs.
Net backward(Net& net, const std::array<double, inputs>& x, const Forward& f, const std::array<double, outputs>& slope) {
  Net gradient;
  for (std::size_t o = 0; o < outputs; ++o) {
    gradient.second_bias()[o] = slope[o];
    for (std::size_t h = 0; h < hidden; ++h) gradient.second()[o * hidden + h] = slope[o] * f.active[h];
  }
  for (std::size_t h = 0; h < hidden; ++h) {
    if (f.active[h] <= 0) continue;
    double sum = 0;
    for (std::size_t o = 0; o < outputs; ++o) sum += slope[o] * net.second()[o * hidden + h];
    gradient.first_bias()[h] = sum;
    for (std::size_t i = 0; i < inputs; ++i) gradient.first()[h * inputs + i] = sum * x[i];
  }
  return gradient;
}

struct Adam {
  std::vector<double> mean, square;
  double mean_decay = 1, square_decay = 1;
  void update(Net& net, const Net& gradient, double rate) {
    mean.resize(net.w.size(), 0.0);
    square.resize(net.w.size(), 0.0);
    mean_decay *= 0.9;
    square_decay *= 0.999;
    for (std::size_t i = 0; i < net.w.size(); ++i) {
      const double g = gradient.w[i];
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      square[i] = 0.999 * square[i] + 0.001 * g * g;
      net.w[i] -= rate * (mean[i] / (1 - mean_decay)) / (std::sqrt(square[i] / (1 - square_decay)) + 1e-8);
    }
  }
};

}  // namespace

Result<Learned> reinforce(Context& context, const Params& params, const Quantiles& quantiles, const Learning& learning, double alpha, double beta, Stream stream) {
  Stream weights = stream.child("weights");
  Net net = begin(weights);
  Adam adam;
  Learned learned;
  for (std::int64_t epoch = 0; epoch < params.epochs; ++epoch) {
    PLIMSOLL_CHECK(context.stop.check());
    const std::array<double, inputs> state = {alpha, beta};
    const Forward f = forward(net, state);
    Stream draws = stream.child("actions").child(static_cast<std::uint64_t>(epoch));
    std::array<double, inputs> action{};
    std::array<double, inputs> noise{};
    for (std::size_t i = 0; i < inputs; ++i) {
      noise[i] = draws.normal();
      action[i] = f.out[i] + std::exp(f.out[inputs + i]) * noise[i];
    }
    alpha = std::clamp(alpha + params.step * action[0], params.alpha_low, params.alpha_high);
    beta = std::clamp(beta + params.step * action[1], params.beta_low, params.beta_high);
    const Thresholds thresholds{quantiles.at(alpha), quantiles.at(beta), 0};
    const Batch batch = params.reward == Reward::sampled ? sampled_batch(learning, thresholds, params.slope, draws.child("answers")) : expected_batch(learning, thresholds, params.slope);
    const double cost = cost_of(batch, params.cost);
    learned.trace.push_back(cost);
    // d log density / d mean = noise / deviation, / d log deviation = noise^2 - 1; reward = -cost, loss = -log density * reward.
    std::array<double, outputs> slope{};
    for (std::size_t i = 0; i < inputs; ++i) {
      slope[i] = cost * noise[i] / std::exp(f.out[inputs + i]);
      slope[inputs + i] = cost * (noise[i] * noise[i] - 1);
    }
    adam.update(net, backward(net, state, f, slope), params.learning_rate);
  }
  learned.alpha = alpha;
  learned.beta = beta;
  learned.cost = cost_of(expected_batch(learning, {quantiles.at(alpha), quantiles.at(beta), 0}, params.slope), params.cost);
  return learned;
}

}  // namespace plimsoll::conformal::abstain
