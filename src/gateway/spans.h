// SPDX-License-Identifier: Apache-2.0
#pragma once

// Spans of personal data and secrets in a text: found in one pass, redacted consistently, and held back in streams exactly.
// The meaning is a sweep: at each place the longest span that starts there (the first listed, if two are as long), then on from its
// end. It needs no more than the byte before and what follows, so a stream is swept as far as more text cannot change the answer.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/span_windows.h"

namespace plimsoll::gateway {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t detector = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

struct DetectorOptions {
  std::vector<std::string> built_in = {"email", "phone", "card", "iban", "key", "jwt", "private_key", "ip", "secret"};
  std::map<std::string, std::string> patterns;  // name -> regular expression
  std::map<std::string, std::string> words;     // name -> words, separated by '|'
  bool ignore_case = true;                      // of words
};

// An immutable set of detectors; shared by all streams.
class Detectors {
 public:
  static Result<std::shared_ptr<const Detectors>> compile(const DetectorOptions& options);
  const std::string& name(std::size_t detector) const { return names_[detector]; }
  std::size_t size() const { return names_.size(); }

  std::vector<Span> find(std::string_view text) const;
  // By asking at every place: what the fast form must equal.
  std::vector<Span> find_plainly(std::string_view text) const;
  // Sweeps text[from, ...), appends what is settled and says how far: every place before it is decided whatever follows.
  std::size_t sweep(std::string_view text, std::size_t from, bool final, std::vector<Span>& out, Lanes lanes = Lanes::fastest) const;

 private:
  struct Parts;
  std::vector<std::string> names_;
  std::shared_ptr<const Parts> parts_;
};

// The names that values were given: the same value has the same name within a conversation. Keeps digests, not values.
class Names {
 public:
  std::string of(const std::string& detector, std::string_view value);  // "[EMAIL_1]"
  const std::map<std::string, std::string>& digests() const { return numbers_; }
  void restore(std::map<std::string, std::string> numbers);

 private:
  std::map<std::string, std::string> numbers_;  // detector:digest -> number
  std::map<std::string, std::int64_t> counts_;
};

std::string redact(std::string_view text, const std::vector<Span>& spans, const Detectors& detectors, Names& names);

// A stream that lets out what no detector can still change, and nothing later than that.
class Holdback {
 public:
  // Whether what a detector found is redacted; without it, all is.
  using Redacts = std::function<bool(std::size_t detector)>;
  Holdback(std::shared_ptr<const Detectors> detectors, Names* names, Redacts redacts = {}) : detectors_(std::move(detectors)), names_(names), redacts_(std::move(redacts)) {}
  std::string push(std::string_view chunk);
  std::string finish();
  std::size_t held() const { return buffer_.size() - from_; }
  const std::vector<std::size_t>& found() const { return found_; }  // detectors, in order
  bool idle() const { return held() == 0; }

 private:
  std::string release(bool final);
  std::shared_ptr<const Detectors> detectors_;
  Names* names_;
  Redacts redacts_;
  std::string buffer_;
  std::size_t from_ = 0;  // what lies before is decided; kept as context
  std::vector<std::size_t> found_;
  std::vector<Span> spans_;
};

}  // namespace plimsoll::gateway
