// SPDX-License-Identifier: Apache-2.0
#include "serve/counters.h"

#include "base/json.h"

namespace plimsoll::serve {
namespace {

const std::map<std::string, std::string>& helps() {
  static const std::map<std::string, std::string> words = {
      {"plimsoll_requests_total", "Requests answered, by dialect and status."},
      {"plimsoll_decisions_total", "Exchanges by their strongest action."},
      {"plimsoll_spans_found_total", "Spans found, by detector."},
      {"plimsoll_upstream_errors_total", "Upstream failures, by kind."},
      {"plimsoll_refused_total", "Requests refused before a decision, by reason."},
  };
  return words;
}

}  // namespace

void Counters::add(const std::string& family, const std::string& labels, std::int64_t by) {
  const std::lock_guard lock(mutex_);
  counts_[family][labels] += by;
}

void Counters::took(double seconds) {
  const std::lock_guard lock(mutex_);
  std::size_t i = 0;
  while (i < edges.size() && seconds > edges[i]) ++i;
  ++buckets_[i];
  seconds_ += seconds;
}

std::string Counters::text(const std::map<std::string, std::int64_t>& gauges) const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [family, rows] : counts_) {
    const auto help = helps().find(family);
    out += "# HELP " + family + " " + (help == helps().end() ? "Count." : help->second) + "\n# TYPE " + family + " counter\n";
    for (const auto& [labels, value] : rows) out += family + (labels.empty() ? "" : "{" + labels + "}") + " " + std::to_string(value) + "\n";
  }
  for (const auto& [name, value] : gauges) {
    const bool counter = name.ends_with("_total");
    out += "# HELP " + name + (counter ? " Count since the start.\n" : " Value now.\n") + "# TYPE " + name + (counter ? " counter\n" : " gauge\n") + name + " " + std::to_string(value) + "\n";
  }
  out += "# HELP plimsoll_request_seconds Time of a request, from its head to the end of its answer.\n# TYPE plimsoll_request_seconds histogram\n";
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    sum += buckets_[i];
    out += "plimsoll_request_seconds_bucket{le=\"" + (i < edges.size() ? canonical_json(json_of(edges[i])) : "+Inf") + "\"} " + std::to_string(sum) + "\n";
  }
  return out + "plimsoll_request_seconds_sum " + canonical_json(json_of(seconds_)) + "\nplimsoll_request_seconds_count " + std::to_string(sum) + "\n";
}

}  // namespace plimsoll::serve
