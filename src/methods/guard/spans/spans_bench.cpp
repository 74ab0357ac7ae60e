// SPDX-License-Identifier: Apache-2.0
// bench_guard_spans [megabytes]: all built-in detectors over clean prose, over prose with secrets, and 2 kB bodies one by one.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "gateway/planted_text.h"
#include "gateway/spans.h"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double best_of(int rounds, Work work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double begin = cpu_seconds();
    work();
    const double taken = cpu_seconds() - begin;
    best = taken < best ? taken : best;
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace plimsoll;
  const std::size_t bytes = static_cast<std::size_t>(argc > 1 ? std::atof(argv[1]) * 1e6 : 16e6);
  Stream rng(1);
  std::string clean;
  while (clean.size() < bytes) clean += gateway::clean_prose(rng, 200) + "\n";
  std::string mixed;
  std::size_t planted = 0;
  while (mixed.size() < bytes) {
    mixed += gateway::planted_text(rng, 150, 1).text + "\n";
    ++planted;
  }
  const auto detectors = gateway::Detectors::compile({}).value();
  std::size_t clean_found = 0, mixed_found = 0, body_found = 0;
  const double clean_s = best_of(5, [&] { clean_found = detectors->find(clean).size(); });
  const double mixed_s = best_of(3, [&] { mixed_found = detectors->find(mixed).size(); });
  const double body_s = best_of(3, [&] {
    body_found = 0;
    for (std::size_t at = 0; at + 2000 <= clean.size(); at += 2000) body_found += detectors->find(std::string_view(clean).substr(at, 2000)).size();
  });
  const double plain_s = best_of(1, [&] { detectors->find_plainly(std::string_view(clean).substr(0, 1000000)); });
  std::printf("{\"clean_gb_s\":%.3f,\"mixed_gb_s\":%.3f,\"body_us\":%.3f,\"plain_gb_s\":%.4f,\"clean_found\":%zu,\"mixed_found\":%zu,\"planted\":%zu,\"body_found\":%zu}\n",
              static_cast<double>(clean.size()) / clean_s / 1e9, static_cast<double>(mixed.size()) / mixed_s / 1e9,
              body_s / static_cast<double>(clean.size() / 2000) * 1e6, 1e-3 / plain_s, clean_found, mixed_found, planted, body_found);
  return 0;
}
