// SPDX-License-Identifier: Apache-2.0
#include "gateway/spans.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.h"
#include "gateway/span_pattern.h"
#include "gateway/span_probes.h"

namespace plimsoll::gateway {
namespace {

using Ask = Probe (*)(const Place&);
constexpr unsigned at_letter = 1, at_digit = 2, at_plus = 4, at_bracket = 8, at_colon = 16, at_hyphen = 32;
struct BuiltIn {
  std::string_view name;
  Ask ask;
  unsigned at;  // the characters it can start with
};
constexpr std::array<BuiltIn, 9> built_ins = {{{"email", &probe_email, at_letter | at_digit},
                                               {"phone", &probe_phone, at_digit | at_plus | at_bracket},
                                               {"card", &probe_card, at_digit},
                                               {"iban", &probe_iban, at_letter},
                                               {"key", &probe_key, at_letter},
                                               {"jwt", &probe_jwt, at_letter},
                                               {"private_key", &probe_private_key, at_hyphen},
                                               {"ip", &probe_ip, at_digit | at_letter | at_colon},
                                               {"secret", &probe_secret, at_letter | at_digit}}};

unsigned start_of(char c) {
  if (letters::is(c, letters::alpha)) return at_letter;
  if (letters::is(c, letters::digit)) return at_digit;
  return c == '+' ? at_plus : c == '(' ? at_bracket : c == ':' ? at_colon : c == '-' ? at_hyphen : 0;
}

bool good_name(const std::string& name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) { return letters::is(c, letters::lower | letters::digit) || c == '_'; });
}

}  // namespace

struct Detectors::Parts {
  struct Own {
    Ask ask;
    unsigned at;
    std::size_t detector;
  };
  std::vector<Own> built_in;
  struct Given {
    Pattern pattern;
    std::size_t detector;
  };
  std::vector<Given> given;

  // The answer at one place.
  struct Here {
    std::size_t end = 0;
    std::size_t detector = 0;
    bool open = false;
  };
  Here at(const Place& place) const {
    Here here;
    const unsigned start = start_of(place.text[place.at]);
    if (start == 0) return here;
    for (const Own& own : built_in) {
      if ((own.at & start) == 0) continue;
      const Probe probe = own.ask(place);
      here.open |= probe.open;
      if (probe.end > here.end) {
        here.end = probe.end;
        here.detector = own.detector;
      }
    }
    return here;
  }
};

Result<std::shared_ptr<const Detectors>> Detectors::compile(const DetectorOptions& options) {
  auto made = std::make_shared<Detectors>();
  auto parts = std::make_shared<Parts>();
  std::vector<std::string> known;
  for (const BuiltIn& each : built_ins) known.emplace_back(each.name);
  for (const std::string& name : options.built_in) {
    const auto found = std::find_if(built_ins.begin(), built_ins.end(), [&name](const BuiltIn& b) { return b.name == name; });
    if (found == built_ins.end())
      return Error(ErrorCode::unknown_name, "there is no detector '" + name + "'", "Give some of: email, phone, card, iban, key, jwt, private_key, ip, secret.").in_parameter("detectors").with_candidates(nearest_names(name, known));
    if (std::find(made->names_.begin(), made->names_.end(), name) != made->names_.end())
      return Error(ErrorCode::bad_parameter, "the detector '" + name + "' is given twice", "Name each once.").in_parameter("detectors");
    parts->built_in.push_back({found->ask, found->at, made->names_.size()});
    made->names_.push_back(name);
  }
  for (const auto* const list : {&options.patterns, &options.words}) {
    const bool words = list == &options.words;
    for (const auto& [name, text] : *list) {
      if (!good_name(name) || std::find(known.begin(), known.end(), name) != known.end() || std::find(made->names_.begin(), made->names_.end(), name) != made->names_.end())
        return Error(ErrorCode::bad_parameter, "'" + name + "' can not name a detector of yours", "Use small letters, digits and '_', and no name twice or built in.").in_parameter(words ? "words" : "patterns");
      PLIMSOLL_TRY(Pattern pattern, words ? Pattern::of_words(text, options.ignore_case) : Pattern::compile(text, false));
      parts->given.push_back({std::move(pattern), made->names_.size()});
      made->names_.push_back(name);
    }
  }
  made->parts_ = std::move(parts);
  return std::shared_ptr<const Detectors>(std::move(made));
}

std::vector<Span> Detectors::find(std::string_view text) const {
  std::vector<Span> out;
  sweep(text, 0, true, out);
  return out;
}

namespace {
// The next place at or after `from` where a built-in answers, over windows; the tail near an unfinished end is asked everywhere.
template <class Parts, class Here>
std::size_t next_built_in(const Parts& parts, std::string_view text, std::size_t from, bool final, const std::vector<Window>& windows, std::size_t& window, Here& here) {
  const std::size_t n = text.size();
  const std::size_t tail = final ? n : n > window_reach ? n - window_reach : 0;
  std::size_t p = from;
  while (p < n) {
    if (p < tail) {
      while (window < windows.size() && windows[window].end <= p) ++window;
      if (window == windows.size()) {
        p = tail;
        continue;
      }
      p = std::max(p, windows[window].begin);
      if (p >= tail) {
        p = tail;
        if (p >= n) break;
      }
    }
    here = parts.at(Place{text, p, final});
    if (here.open || here.end != 0) return p;
    ++p;
  }
  return n;
}
}  // namespace

std::size_t Detectors::sweep(std::string_view text, std::size_t from, bool final, std::vector<Span>& out, Lanes lanes) const {
  const std::size_t n = text.size();
  std::vector<Window> windows;
  if (final || n - from > window_reach) {
    if (!parts_->built_in.empty()) span_windows(text, from, lanes, windows);
  }
  std::size_t window = 0;
  std::size_t p = from;
  Parts::Here here;
  bool fresh = false;
  std::size_t own = 0;
  std::vector<PatternFound> given(parts_->given.size());
  while (p < n) {
    if (!fresh || own < p) {
      own = parts_->built_in.empty() ? n : next_built_in(*parts_, text, p, final, windows, window, here);
      if (own == n) here = {};
    }
    std::size_t begin = own;
    Parts::Here best = here;
    for (std::size_t k = 0; k < given.size(); ++k) {
      if (!fresh || given[k].begin < p) given[k] = parts_->given[k].pattern.next(text, p, final);
      if (given[k].begin > begin || given[k].begin >= n) continue;
      if (given[k].begin < begin) best = {};
      begin = given[k].begin;
      best.open |= given[k].open;
      if (given[k].end > best.end) {
        best.end = given[k].end;
        best.detector = parts_->given[k].detector;
      }
    }
    fresh = true;
    if (begin >= n) return n;
    if (best.open) return begin;
    out.push_back({begin, best.end, best.detector});
    p = best.end;
  }
  return n;
}

std::vector<Span> Detectors::find_plainly(std::string_view text) const {
  std::vector<Span> out;
  for (std::size_t p = 0; p < text.size();) {
    Parts::Here here = parts_->at(Place{text, p, true});
    for (const Parts::Given& each : parts_->given) {
      const PatternFound found = each.pattern.next(text, p, true);
      if (found.begin == p && found.end > here.end) {
        here.end = found.end;
        here.detector = each.detector;
      }
    }
    if (here.end == 0) {
      ++p;
      continue;
    }
    out.push_back({p, here.end, here.detector});
    p = here.end;
  }
  return out;
}

std::string Names::of(const std::string& detector, std::string_view value) {
  std::string key = detector + ":" + sha256_hex(value).substr(0, 32);
  auto found = numbers_.find(key);
  if (found == numbers_.end()) found = numbers_.emplace(std::move(key), std::to_string(++counts_[detector])).first;
  std::string word = "[";
  for (const char c : detector) word += letters::is(c, letters::lower) ? static_cast<char>(c - 'a' + 'A') : c;
  return word + "_" + found->second + "]";
}

void Names::restore(std::map<std::string, std::string> numbers) {
  numbers_ = std::move(numbers);
  counts_.clear();
  for (const auto& [key, number] : numbers_) {
    std::int64_t value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    std::int64_t& count = counts_[key.substr(0, key.find(':'))];
    count = std::max(count, value);
  }
}

std::string redact(std::string_view text, const std::vector<Span>& spans, const Detectors& detectors, Names& names) {
  std::string out;
  std::size_t at = 0;
  for (const Span& span : spans) {
    out.append(text.substr(at, span.begin - at));
    out += names.of(detectors.name(span.detector), text.substr(span.begin, span.end - span.begin));
    at = span.end;
  }
  out.append(text.substr(std::min(at, text.size())));
  return out;
}

std::string Holdback::push(std::string_view chunk) {
  buffer_.append(chunk);
  return release(false);
}

std::string Holdback::finish() {
  std::string out = release(true);
  buffer_.clear();
  from_ = 0;
  return out;
}

std::string Holdback::release(bool final) {
  spans_.clear();
  const std::size_t decided = detectors_->sweep(buffer_, from_, final, spans_);
  std::string out;
  std::size_t at = from_;
  for (const Span& span : spans_) {
    out.append(buffer_, at, span.begin - at);
    const std::string_view value = std::string_view(buffer_).substr(span.begin, span.end - span.begin);
    if (!redacts_ || redacts_(span.detector)) out += names_->of(detectors_->name(span.detector), value);
    else out += value;
    found_.push_back(span.detector);
    at = span.end;
  }
  if (decided > at) out.append(buffer_, at, decided - at);
  from_ = std::max(decided, at);
  constexpr std::size_t context = 4;
  if (from_ > 4096) {
    buffer_.erase(0, from_ - context);
    from_ = context;
  }
  return out;
}

}  // namespace plimsoll::gateway
