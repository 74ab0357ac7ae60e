// SPDX-License-Identifier: Apache-2.0
#include "engine/port_walk.h"

#include <algorithm>

namespace plimsoll {
namespace {

// Sees only the ports of the outermost struct.
class PortWalk final : public Fields {
 public:
  std::vector<BoundPort> ports;
  void number(const FieldInfo&, double&) override {}
  void integer(const FieldInfo&, std::int64_t&) override {}
  void flag(const FieldInfo&, bool&) override {}
  void text(const FieldInfo&, std::string&) override {}
  void choice(const FieldInfo&, int&, std::span<const std::string_view>) override {}
  void numbers(const FieldInfo&, std::vector<double>&) override {}
  void integers(const FieldInfo&, std::vector<std::int64_t>&) override {}
  void texts(const FieldInfo&, std::vector<std::string>&) override {}
  void text_map(const FieldInfo&, std::map<std::string, std::string>&) override {}
  void tensor(const FieldInfo&, std::vector<double>&) override {}
  void tensor(const FieldInfo&, std::vector<float>&) override {}
  void tensor(const FieldInfo&, std::vector<std::int64_t>&) override {}
  void tensor(const FieldInfo&, std::vector<std::int32_t>&) override {}
  void blob(const FieldInfo&, std::string&) override {}
  void nested(const FieldInfo&, Body) override {}
  void list(const FieldInfo&, ListBody) override {}
  void optional(const FieldInfo&, OptionalBody) override {}
  void port(const PortInfo& info, PortSlot slot) override {
    ports.push_back({std::string(info.name), slot, {info.roles.begin(), info.roles.end()}, std::string(info.method)});
  }
};

template <class P>
void place(const PortSlot& slot, P value) {
  if (slot.optional) *static_cast<std::optional<P>*>(slot.object) = std::move(value);
  else *static_cast<P*>(slot.object) = std::move(value);
}

template <class P>
std::optional<PortValue> read(const PortSlot& slot) {
  if (!slot.optional) return PortValue(*static_cast<P*>(slot.object));
  const auto& value = *static_cast<std::optional<P>*>(slot.object);
  return value ? std::optional<PortValue>(*value) : std::nullopt;
}

}  // namespace

std::vector<BoundPort> ports_of(Box& box) {
  PortWalk walk;
  box.describe(walk);
  return std::move(walk.ports);
}

const BoundPort* primary_table(const std::vector<BoundPort>& ports) {
  const auto found = std::find_if(ports.begin(), ports.end(), [](const BoundPort& p) { return p.slot.kind == PortKind::table && !p.slot.optional; });
  return found == ports.end() ? nullptr : &*found;
}

Table& table_at(const PortSlot& slot) { return *static_cast<Table*>(slot.object); }

void set_port(const PortSlot& slot, PortValue value) {
  std::visit([&](auto&& held) {
    using P = std::decay_t<decltype(held)>;
    if constexpr (plain_port<P>) place<P>(slot, std::move(held));
  }, std::move(value));
}

std::optional<PortValue> get_port(const PortSlot& slot) {
  switch (slot.kind) {
    case PortKind::table: return read<Table>(slot);
    case PortKind::document: return read<Document>(slot);
    case PortKind::files: return read<Files>(slot);
    case PortKind::raster: return read<RasterPort>(slot);
    case PortKind::network: return read<NetworkPort>(slot);
    case PortKind::artifact: return read<ArtifactPort>(slot);
    case PortKind::endpoint: return read<EndpointPort>(slot);
    case PortKind::environment: return read<EnvironmentPort>(slot);
    case PortKind::report: return read<Report>(slot);
  }
  return std::nullopt;
}

}  // namespace plimsoll
