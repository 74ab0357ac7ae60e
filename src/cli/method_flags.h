// SPDX-License-Identifier: Apache-2.0
#pragma once

// The flags of one verb of one method, made at run time from what the method describes. Nothing here knows a method by name.

#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/request.h"
#include "engine/document.h"
#include "engine/schema.h"

namespace plimsoll::cli {

struct BoundFlag {
  enum class To { common, port, role, port_role, parameter, read, port_read };
  Flag flag;
  To to = To::common;
  std::string port;               // port, port_role, port_read
  std::string name;               // role, or option of the reader
  std::vector<std::string> path;  // parameter
};

// --json, --quiet, --verbose, --help.
std::vector<Flag> speaking_flags();
// What every run through the door takes: --output, --seed, --threads, --memory ...
std::vector<Flag> running_flags(Verb verb);

// A flag whose name is taken (common before ports, ports before roles, roles before parameters) is left out: parameters
// can always be given as -p name=value, roles as --PORT.ROLE.
std::vector<BoundFlag> method_flags(const Method& method, Verb verb, bool with_model);
std::vector<Flag> plain_flags(const std::vector<BoundFlag>& bound);

// A request of parsed words; `params` is the file of --params, kept for the lines of its values.
struct Asked {
  Request request;
  Document params;
  bool has_params = false;
};
Result<Asked> asked_of(const Arguments& arguments, const std::vector<BoundFlag>& bound, Request request);

// What --read.NAME sets; shared with recipes. `bad_parameter` with candidates when the reader has no such option.
Result<void> set_read_option(ReadOptions& read, const std::string& name, const std::string& text);
const std::vector<Flag>& read_flags();  // names without the prefix "read."

// "256MB", "1GiB", "1000000" -> bytes.
Result<std::int64_t> parse_bytes(const std::string& text);
Result<std::int64_t> parse_count(const std::string& name, const std::string& text, std::int64_t least);

// Adds file and line of a parameter that came from --params.
Error at_params_line(Error error, const Asked& asked);

}  // namespace plimsoll::cli
