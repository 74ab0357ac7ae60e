// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the writers of a report share: which columns a figure of each kind has, and how numbers and hostile text are written.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report.h"

namespace plimsoll {

// A column of a figure by the name that its template knows; texts or numbers is set, the other is null.
struct FigureColumn {
  std::string_view field;
  const std::vector<std::string>* texts = nullptr;
  const std::vector<double>* numbers = nullptr;

  bool is_text() const { return texts != nullptr; }
  std::size_t size() const { return is_text() ? texts->size() : numbers->size(); }
};

enum class ColumnUse : std::uint8_t { unused, optional, required };

// All columns of a figure, texts first; `use` says what its kind makes of the field.
std::vector<FigureColumn> all_columns(const FigureBlock& figure);
ColumnUse use(FigureKind kind, std::string_view field);
bool takes_reference(FigureKind kind);

// The columns that carry data, texts first; the names and the cells that a reader sees.
std::vector<FigureColumn> used_columns(const FigureBlock& figure);
std::string column_title(const FigureBlock& figure, std::string_view field);
std::vector<std::string> column_words(const FigureColumn& column);

// A number as people read it: whole numbers in full, others to `digits` significant digits; NaN is an en dash.
std::string number_words(double x, int digits = 6);
std::string cell_words(const Cell& cell);

// UTF-8 with each wrong byte and each control character but line feed and tab replaced by U+FFFD.
std::string clean_text(std::string_view text);

// Paragraphs parted by blank lines, trimmed.
std::vector<std::string> paragraphs(std::string_view text);

// The figure's Vega-Lite specification with its data.
Json vega_lite_of(const FigureBlock& figure);
// Compiled Vega of a kind, with `values` left open.
const Json& vega_template(FigureKind kind);

}  // namespace plimsoll
