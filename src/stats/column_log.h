// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace plimsoll::stats {

// Natural logarithms of whole columns, below one unit in the last place off: the same bytes on every processor and from every
// compiler, since nothing but IEEE additions, products and one division makes them. out[i] belongs to x[i]; both of one length.
void column_logs(std::span<const double> x, std::span<double> out);
double column_log(double x);  // one of them

// Every form that this processor runs, the plain one first (for tests).
using ColumnLogs = void (*)(const double* x, double* out, std::size_t n);
std::span<const ColumnLogs> all_column_logs();

}  // namespace plimsoll::stats
