// SPDX-License-Identifier: Apache-2.0
#pragma once

// The nine kinds of input and output. Inputs, Outputs and Model are described structs whose members are ports.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "engine/document.h"
#include "engine/report.h"
#include "table/table.h"

namespace plimsoll {

class Artifact;

enum class PortKind : std::uint8_t { table, document, files, raster, network, artifact, endpoint, environment, report };
std::string_view name_of(PortKind kind);

// A folder with the hash of each file, so that provenance can name what was read.
struct Files {
  struct Entry {
    std::filesystem::path path;  // relative to root
    std::int64_t bytes = 0;
    std::string sha256;
  };
  std::filesystem::path root;
  std::vector<Entry> entries;  // sorted by path
};
Result<Files> open_files(const std::filesystem::path& folder);

// Georeferenced grids; opened by the raster plugin.
class Raster {
 public:
  virtual ~Raster() = default;
  virtual std::string description() const = 0;  // for provenance
  virtual std::int64_t width() const = 0;
  virtual std::int64_t height() const = 0;
  virtual int bands() const = 0;
  virtual Result<std::vector<float>> read(int band, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const = 0;
};

// A fixed function of a feature matrix: n rows by inputs() columns, row-major, to n by outputs().
class Network {
 public:
  virtual ~Network() = default;
  virtual std::string description() const = 0;
  virtual std::int64_t inputs() const = 0;
  virtual std::int64_t outputs() const = 0;
  virtual Result<std::vector<float>> evaluate(std::span<const float> rows, std::int64_t count) const = 0;
};

// A language model, judge or oracle.
struct Completion {
  std::string text;
  std::vector<std::pair<std::string, double>> logprobs;  // of the first token's candidates, natural log
  std::string status;                                    // "ok", or what went wrong; a status other than ok is data
};
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual std::string description() const = 0;  // provider and model id
  virtual Result<Completion> complete(const std::string& prompt, std::int64_t most_tokens) = 0;
};

// A simulator or tool host: state, browser, desktop, SQL or process.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual std::string description() const = 0;
  virtual Result<std::string> reset(std::uint64_t seed) = 0;           // first observation
  virtual Result<std::string> act(const std::string& action) = 0;      // next observation
  virtual bool done() const = 0;
};

using RasterPort = std::shared_ptr<const Raster>;
using NetworkPort = std::shared_ptr<const Network>;
using ArtifactPort = std::shared_ptr<const Artifact>;
using EndpointPort = std::shared_ptr<Endpoint>;
using EnvironmentPort = std::shared_ptr<Environment>;

// A role that columns of a table port may play; on the command line a flag --ROLE COLUMN[,COLUMN...].
struct RoleInfo {
  std::string_view role;
  std::string_view help;
  bool required = false;
  bool many = false;  // several columns; `p_*` patterns are expanded by the caller's side
};

struct PortInfo {
  std::string_view name;
  std::string_view help;
  std::span<const RoleInfo> roles = {};  // table ports
  std::string_view method = {};          // artifact ports: the id whose artifact is wanted
};

// Where the caller's value goes. An optional port is a std::optional of any kind; one that is a plain pointer is required
// and never null in a verb.
struct PortSlot {
  PortKind kind;
  bool optional;
  void* object;  // P* or std::optional<P>*
};

template <class P> struct PortKindOf;
template <> struct PortKindOf<Table> { static constexpr PortKind kind = PortKind::table; };
template <> struct PortKindOf<Document> { static constexpr PortKind kind = PortKind::document; };
template <> struct PortKindOf<Files> { static constexpr PortKind kind = PortKind::files; };
template <> struct PortKindOf<RasterPort> { static constexpr PortKind kind = PortKind::raster; };
template <> struct PortKindOf<NetworkPort> { static constexpr PortKind kind = PortKind::network; };
template <> struct PortKindOf<ArtifactPort> { static constexpr PortKind kind = PortKind::artifact; };
template <> struct PortKindOf<EndpointPort> { static constexpr PortKind kind = PortKind::endpoint; };
template <> struct PortKindOf<EnvironmentPort> { static constexpr PortKind kind = PortKind::environment; };
template <> struct PortKindOf<Report> { static constexpr PortKind kind = PortKind::report; };

template <class P>
concept plain_port = requires { PortKindOf<P>::kind; };
template <class P> struct OptionalPort : std::false_type {};
template <plain_port P> struct OptionalPort<std::optional<P>> : std::true_type { using port = P; };
template <class P>
inline constexpr bool is_port = plain_port<P> || OptionalPort<P>::value;

template <class P>
PortSlot slot_of(P& value) {
  if constexpr (plain_port<P>) return {PortKindOf<P>::kind, false, &value};
  else return {PortKindOf<typename OptionalPort<P>::port>::kind, true, &value};
}

// What a caller hands over or gets back. A stream may stand wherever a table is wanted.
using PortValue = std::variant<Table, std::shared_ptr<TableStream>, Document, Files, RasterPort, NetworkPort, ArtifactPort,
                               EndpointPort, EnvironmentPort, Report>;
PortKind kind_of(const PortValue& value);

}  // namespace plimsoll
