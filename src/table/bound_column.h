// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "table/table.h"

namespace plimsoll {

// The column bound to a role that takes one; empty if none is. Two are `bad_parameter`.
Result<std::string> one_column(const Table& table, std::string_view role);
// The same into `name`, which stays as it is if none is bound.
Result<void> role_into(const Table& table, std::string_view role, std::string& name);
// The same where there must be one: `missing_input` names the flag.
Result<std::string> needed_column(const Table& table, std::string_view role);

// Which columns of the input stand beside an answer.
enum class Keep : int { id, all, none };
std::span<const std::string_view> choices_of(Keep);
// The answer with what is kept before it; `id` may be empty. A column that both have is `bad_parameter`.
Result<Table> beside_kept(const Table& table, const std::string& id, Keep keep, Table answer);

}  // namespace plimsoll
