// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/door.h"
#include "engine/port_walk.h"

namespace plimsoll {

// A verb's inputs with the caller's ports in place. The primary table may still be a stream.
struct BoundInputs {
  Box inputs;
  std::shared_ptr<TableStream> stream;  // set when the primary port was given as a stream and `may_stream`
};

// Puts `given` into the ports of `type`: unknown port, wrong kind, missing required port, missing or unknown role and a bound
// column that is not there are refused. Streams are read into memory unless the primary one may stay.
Result<BoundInputs> bind_inputs(Context& context, const Type& type, const std::map<std::string, PortValue>& given, bool may_stream);

}  // namespace plimsoll
