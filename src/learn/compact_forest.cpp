// SPDX-License-Identifier: Apache-2.0
// The layout, and the walk over it. With cut points t_1 < ... < t_m of a feature and r(x) = #{j : t_j <= x}, XGBoost's question
// "x < t_j" is "r(x) < j": so one byte a value is enough, found once a row for all trees. A missing value goes where the node
// says: nodes that send it left look at a plane of bytes where it is 0, others at one where it is 255. Categories are the bytes
// themselves, looked up in the node's set. A node's answer is the number of the leaf that its part of the tree ends in:
// the right child's where the byte lies above the node's limit, else the left child's, all rows of a block at a time.
// Chen and Guestrin 2016; the trick of ranks is that of Lucchese et al. 2015 (QuickScorer), the evaluation is not theirs.
#include "learn/compact_forest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>

#include "learn/ubjson_document.h"

namespace plimsoll::learn {
namespace {

constexpr std::size_t most_cuts = 255;
constexpr std::size_t most_leaves = 256;
constexpr std::size_t deepest = 64;
constexpr double most_categories = 254;  // code 255 is missing
constexpr std::uint8_t missing_right = 255;

// "[4.64E-1]" or "4.64E-1", or several between the brackets.
std::optional<std::vector<float>> read_base(const UbjsonValue& param) {
  const UbjsonValue* text = param.find("base_score");
  if (text == nullptr || text->kind != UbjsonValue::Kind::text) return std::nullopt;
  std::string_view rest = text->text;
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  std::vector<float> base;
  while (true) {
    float value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
    base.push_back(value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) return base;
    if (rest.front() != ',') return std::nullopt;
    rest.remove_prefix(1);
  }
}

struct Arrays {
  std::vector<double> left, right, feature, condition, default_left, kind;
  std::vector<double> category_nodes, category_begins, category_sizes, categories;
};

Arrays arrays_of(const UbjsonValue& tree) {
  const auto numbers = [&tree](std::string_view name) {
    const UbjsonValue* member = tree.find(name);
    return member != nullptr ? member->as_numbers().value_or(std::vector<double>()) : std::vector<double>();
  };
  return {numbers("left_children"),    numbers("right_children"),      numbers("split_indices"),    numbers("split_conditions"), numbers("default_left"),
          numbers("split_type"),       numbers("categories_nodes"),    numbers("categories_segments"), numbers("categories_sizes"), numbers("categories")};
}

}  // namespace

struct CompactForest::Builder {
  CompactForest forest;
  std::vector<std::vector<float>> cuts;     // of each column, rising
  std::vector<char> numeric, categorical;   // how a column is used
  std::vector<std::uint32_t> feature_of;    // column to features_

  explicit Builder(std::size_t width) : cuts(width), numeric(width, 0), categorical(width, 0), feature_of(width, 0) {}

  void note_cuts(const Arrays& tree) {
    for (std::size_t i = 0; i < tree.left.size(); ++i) {
      if (tree.left[i] < 0) continue;
      const auto column = static_cast<std::size_t>(tree.feature[i]);
      if (tree.kind[i] > 0) categorical[column] = 1;
      else {
        numeric[column] = 1;
        cuts[column].push_back(static_cast<float>(tree.condition[i]));
      }
    }
  }

  bool lay_out_features() {
    for (std::size_t column = 0; column < cuts.size(); ++column) {
      if (!numeric[column] && !categorical[column]) continue;
      if (numeric[column] && categorical[column]) return false;
      std::vector<float>& own = cuts[column];
      std::sort(own.begin(), own.end());
      own.erase(std::unique(own.begin(), own.end()), own.end());
      if (own.size() > most_cuts || (!own.empty() && !(std::isfinite(own.front()) && std::isfinite(own.back())))) return false;
      feature_of[column] = static_cast<std::uint32_t>(forest.features_.size());
      forest.features_.push_back({static_cast<std::uint32_t>(column), categorical[column] != 0, static_cast<std::uint32_t>(forest.cuts_.size())});
      forest.cuts_.insert(forest.cuts_.end(), own.begin(), own.end());
      forest.cuts_.insert(forest.cuts_.end(), 256 - own.size(), std::numeric_limits<float>::infinity());
    }
    return true;
  }

  // The categories of a node that go right.
  bool add_set(const Arrays& tree, std::size_t node, Node& made) {
    const auto at = std::find(tree.category_nodes.begin(), tree.category_nodes.end(), static_cast<double>(node));
    if (at == tree.category_nodes.end()) return false;
    const auto which = static_cast<std::size_t>(at - tree.category_nodes.begin());
    made.set = static_cast<std::int32_t>(forest.sets_.size() / 256);
    forest.sets_.insert(forest.sets_.end(), 256, 0);
    std::uint8_t* goes = forest.sets_.data() + static_cast<std::size_t>(made.set) * 256;
    const auto begin = static_cast<std::size_t>(tree.category_begins[which]);
    for (std::size_t k = begin; k < begin + static_cast<std::size_t>(tree.category_sizes[which]); ++k) {
      if (!(tree.categories[k] >= 0 && tree.categories[k] <= most_categories)) return false;
      goes[static_cast<std::size_t>(tree.categories[k])] = 255;
    }
    goes[255] = tree.default_left[node] > 0 ? 0 : 255;
    return true;
  }

  bool add_node(const Arrays& tree, std::size_t node, Node& made) {
    const auto column = static_cast<std::size_t>(tree.feature[node]);
    const std::uint32_t feature = feature_of[column];
    if (tree.kind[node] > 0) {
      made.plane = 2 * feature;
      return add_set(tree, node, made);
    }
    made.plane = 2 * feature + (tree.default_left[node] > 0 ? 0 : 1);
    const auto& own = cuts[column];
    made.limit = static_cast<std::uint8_t>(std::lower_bound(own.begin(), own.end(), static_cast<float>(tree.condition[node])) - own.begin());
    return true;
  }

  // Leaves from left to right, nodes after their children; `depth` is how many partial answers wait below.
  bool walk(const Arrays& tree, std::size_t node, std::size_t depth, Tree& made) {
    if (depth > deepest) return false;
    if (tree.left[node] < 0) {
      if (made.leaves == most_leaves) return false;
      forest.leaves_.push_back(static_cast<float>(tree.condition[node]));
      ++made.leaves;
      return true;
    }
    const auto left = static_cast<std::size_t>(tree.left[node]);
    const auto right = static_cast<std::size_t>(tree.right[node]);
    const bool left_leaf = tree.left[left] < 0;
    const bool right_leaf = tree.left[right] < 0;
    Node own;
    own.shape = left_leaf && right_leaf ? Shape::two_leaves : left_leaf ? Shape::left_leaf : right_leaf ? Shape::right_leaf : Shape::no_leaf;
    const std::uint32_t first = made.leaves;
    if (!walk(tree, left, depth + 1, made)) return false;
    const std::uint32_t second = made.leaves;
    if (!walk(tree, right, depth + 1, made)) return false;
    own.leaf = static_cast<std::uint8_t>(left_leaf ? first : second);
    if (!add_node(tree, node, own)) return false;
    forest.nodes_.push_back(own);
    ++made.nodes;
    forest.depth_ = std::max(forest.depth_, depth + 2);
    return true;
  }

  bool add_tree(const Arrays& tree, std::uint32_t output) {
    Tree made;
    made.first_node = static_cast<std::uint32_t>(forest.nodes_.size());
    made.first_leaf = static_cast<std::uint32_t>(forest.leaves_.size());
    made.output = output;
    if (!walk(tree, 0, 0, made)) return false;
    forest.leaves_.resize((forest.leaves_.size() + 63) / 64 * 64, 0.0F);
    forest.trees_.push_back(made);
    return true;
  }
};

std::optional<CompactForest> CompactForest::of(const UbjsonValue& booster, std::int64_t classes, std::int64_t width) {
  const UbjsonValue* learner = booster.find("learner");
  const UbjsonValue* model = learner->find("gradient_booster")->find("model");
  auto base = read_base(*learner->find("learner_model_param"));
  const auto outputs = static_cast<std::size_t>(classes <= 2 ? 1 : classes);
  if (!base || (base->size() != 1 && base->size() != outputs)) return std::nullopt;
  base->resize(outputs, base->front());
  if (classes == 2) {
    const float p = base->front();
    if (!(p > 0 && p < 1)) return std::nullopt;
    base->front() = -std::log(1.0F / p - 1.0F);
  }
  Builder builder(static_cast<std::size_t>(width));
  builder.forest.base = std::move(*base);
  builder.forest.outputs_ = outputs;
  std::vector<Arrays> trees;
  for (const UbjsonValue& tree : model->find("trees")->list) {
    trees.push_back(arrays_of(tree));
    builder.note_cuts(trees.back());
  }
  const auto outputs_of = model->find("tree_info")->as_numbers().value_or(std::vector<double>(trees.size(), 0));
  if (!builder.lay_out_features()) return std::nullopt;
  for (std::size_t t = 0; t < trees.size(); ++t) {
    if (!builder.add_tree(trees[t], static_cast<std::uint32_t>(outputs_of[t]))) return std::nullopt;
  }
  return std::move(builder.forest);
}

std::vector<bool> CompactForest::categorical(std::size_t width) const {
  std::vector<bool> found(width, false);
  for (const Feature& feature : features_) found[feature.column] = feature.categorical;
  return found;
}

bool CompactForest::rank_columns(const ForestLoops& loops, const float* values, std::uint8_t* planes) const {
  for (std::size_t f = 0; f < features_.size(); ++f) {
    const Feature& feature = features_[f];
    const float* column = values + feature.column * forest_rows;
    std::uint8_t* left = planes + 2 * f * forest_rows;
    std::uint8_t* right = left + forest_rows;
    if (feature.categorical) {
      for (std::size_t i = 0; i < forest_rows; ++i) {
        const bool missing = std::isnan(column[i]);
        if (!missing && !(column[i] >= 0 && column[i] <= static_cast<float>(most_categories))) return false;
        left[i] = missing ? 255 : static_cast<std::uint8_t>(column[i]);
      }
      continue;
    }
    loops.rank(cuts_.data() + feature.first_cut, column, left);
    for (std::size_t i = 0; i < forest_rows; ++i) right[i] = std::isnan(column[i]) ? missing_right : left[i];
  }
  return true;
}

bool CompactForest::margins(const float* values, float* out) const { return margins(forest_loops(), values, out); }

bool CompactForest::margins(const ForestLoops& loops, const float* values, float* out) const {
  const auto room = std::make_unique_for_overwrite<std::uint8_t[]>((2 * features_.size() + depth_ + 2) * forest_rows);
  std::uint8_t* const planes = room.get();
  std::uint8_t* const goes = planes + 2 * features_.size() * forest_rows;
  std::uint8_t* const same = goes + forest_rows;
  std::uint8_t* const stack = same + forest_rows;
  if (!rank_columns(loops, values, planes)) return false;
  for (std::size_t k = 0; k < outputs_; ++k) std::fill(out + k * forest_rows, out + (k + 1) * forest_rows, base[k]);
  for (const Tree& tree : trees_) {
    std::uint8_t* top = stack;  // one past the last partial answer
    if (tree.nodes == 0) top = std::fill_n(top, forest_rows, std::uint8_t{0});
    for (const Node* node = nodes_.data() + tree.first_node; node != nodes_.data() + tree.first_node + tree.nodes; ++node) {
      const std::uint8_t* bytes = planes + std::size_t{node->plane} * forest_rows;
      std::uint8_t limit = node->limit;
      if (node->set >= 0) {
        const std::uint8_t* set = sets_.data() + static_cast<std::size_t>(node->set) * 256;
        for (std::size_t i = 0; i < forest_rows; ++i) goes[i] = set[bytes[i]];
        bytes = goes;
        limit = 0;
      }
      if (node->shape == Shape::two_leaves) {
        loops.choose_leaf(bytes, limit, node->leaf, top);
        top += forest_rows;
        continue;
      }
      if (node->shape == Shape::no_leaf) {
        top -= forest_rows;
        loops.choose(bytes, limit, top - forest_rows, top, top - forest_rows);
        continue;
      }
      std::fill_n(same, forest_rows, node->leaf);
      std::uint8_t* own = top - forest_rows;
      if (node->shape == Shape::left_leaf) loops.choose(bytes, limit, same, own, own);
      else loops.choose(bytes, limit, own, same, own);
    }
    loops.add(leaves_.data() + tree.first_leaf, tree.leaves, stack, out + tree.output * forest_rows);
  }
  return true;
}

}  // namespace plimsoll::learn
