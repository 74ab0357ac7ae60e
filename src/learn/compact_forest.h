// SPDX-License-Identifier: Apache-2.0
#pragma once

// A booster's trees laid out for prediction: many rows go through one node at a time, each value as one byte, its rank among the
// feature's cut points. The margins are XGBoost's bit for bit, because the leaves are added in its order, in float32.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace plimsoll::learn {

struct UbjsonValue;

inline constexpr std::size_t forest_rows = 256;  // rows at a time

struct ForestLoops;

class CompactForest {
 public:
  // From a document that check_booster() has passed. None if it has what the layout does not cover: more than 255 cut points of
  // a feature, more than 256 leaves of a tree, nodes deeper than 64, categories beyond 254, a base that cannot be read.
  static std::optional<CompactForest> of(const UbjsonValue& booster, std::int64_t classes, std::int64_t width);

  // values[c * forest_rows + i] is column c of row i of forest_rows rows; out[k * forest_rows + i] is output k.
  // False if a category lies beyond what the layout covers; out is then undefined.
  bool margins(const float* values, float* out) const;
  bool margins(const ForestLoops& loops, const float* values, float* out) const;

  std::vector<bool> categorical(std::size_t width) const;  // columns that the trees ask for categories

  // Margins that a row has before any tree; XGBoost's logarithm may differ from ours by a last bit, so who opens a booster
  // tries the neighbours.
  std::vector<float> base;

 private:
  friend struct ForestLoops;
  enum class Shape : std::uint8_t { two_leaves, left_leaf, right_leaf, no_leaf };  // of a node's children

  // Nodes stand after their children: an evaluation goes through them once, with a stack of partial answers.
  struct Node {
    std::uint32_t plane = 0;    // which bytes are compared
    std::int32_t set = -1;      // of categories that go right, or -1 for a cut
    std::uint8_t limit = 0;     // bytes above it go right
    std::uint8_t leaf = 0;      // number of the leaf child (of the left one of two)
    Shape shape = Shape::two_leaves;
  };
  struct Tree {
    std::uint32_t first_node = 0;
    std::uint32_t nodes = 0;
    std::uint32_t first_leaf = 0;
    std::uint32_t leaves = 0;
    std::uint32_t output = 0;
  };
  struct Feature {
    std::uint32_t column = 0;
    bool categorical = false;
    std::uint32_t first_cut = 0;  // 256 rising cut points, padded with infinity
  };
  struct Builder;

  bool rank_columns(const ForestLoops& loops, const float* values, std::uint8_t* planes) const;

  std::vector<Node> nodes_;
  std::vector<Tree> trees_;
  std::vector<float> leaves_;            // each tree's padded to a multiple of 64
  std::vector<Feature> features_;        // two planes each: missing goes left, missing goes right
  std::vector<float> cuts_;
  std::vector<std::uint8_t> sets_;       // 256 bytes each: 255 where the category goes right
  std::size_t outputs_ = 1;
  std::size_t depth_ = 1;                // of the stack
};

// The inner loops, for the vectors that the processor has; all forms give the same bytes.
struct ForestLoops {
  // Number of cuts at most each value; NaN gives 0. 256 cuts, the last of them infinite.
  void (*rank)(const float* cuts, const float* values, std::uint8_t* out);
  // out[i] = right[i] where bytes[i] > limit (sets: where goes[i] is 255), else left[i].
  void (*choose)(const std::uint8_t* bytes, std::uint8_t limit, const std::uint8_t* left, const std::uint8_t* right, std::uint8_t* out);
  // out[i] = leaf + 1 where bytes[i] > limit, else leaf.
  void (*choose_leaf)(const std::uint8_t* bytes, std::uint8_t limit, std::uint8_t leaf, std::uint8_t* out);
  // sums[i] += leaves[which[i]]; the leaves are padded to a multiple of 64.
  void (*add)(const float* leaves, std::size_t count, const std::uint8_t* which, float* sums);
};
const ForestLoops& forest_loops();                // the widest that the processor runs
std::span<const ForestLoops> all_forest_loops();  // those that it runs, the plain one first

}  // namespace plimsoll::learn
