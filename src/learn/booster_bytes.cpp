// SPDX-License-Identifier: Apache-2.0
#include "learn/booster_bytes.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "learn/ubjson_document.h"

namespace plimsoll::learn {
namespace {

using Numbers = std::vector<double>;

Error damaged(const std::string& what) {
  return Error(ErrorCode::corrupt_file, "the booster is damaged: " + what, "Fit the model again.");
}

bool whole_within(double x, double low, double high) { return x >= low && x <= high && std::floor(x) == x; }

// A member that holds a number as text ("13"), as XGBoost writes its parameters.
std::optional<std::int64_t> number_text(const UbjsonValue* holder, std::string_view name) {
  const UbjsonValue* member = holder != nullptr ? holder->find(name) : nullptr;
  if (member == nullptr || member->kind != UbjsonValue::Kind::text) return std::nullopt;
  std::int64_t value = 0;
  const char* end = member->text.data() + member->text.size();
  const auto read = std::from_chars(member->text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

bool is_text(const UbjsonValue* member, std::string_view text) {
  return member != nullptr && member->kind == UbjsonValue::Kind::text && member->text == text;
}

std::optional<Numbers> numbers(const UbjsonValue& holder, std::string_view name) {
  const UbjsonValue* member = holder.find(name);
  return member != nullptr ? member->as_numbers() : std::nullopt;
}

struct TreeArrays {
  Numbers left, right, parents, feature, kind;
};

// Every node is reached exactly once from node 0, its parent is the one that points to it, and no index leaves the arrays.
bool is_tree(const TreeArrays& tree, double width) {
  const std::size_t nodes = tree.left.size();
  const auto last = static_cast<double>(nodes) - 1;
  std::vector<bool> met(nodes, false);
  std::vector<std::size_t> open = {0};
  met[0] = true;
  std::size_t reached = 1;
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    if (tree.left[node] == -1 && tree.right[node] == -1) continue;
    if (!whole_within(tree.feature[node], 0, width - 1)) return false;
    for (const double child : {tree.left[node], tree.right[node]}) {
      if (!whole_within(child, 1, last)) return false;
      const auto at = static_cast<std::size_t>(child);
      if (met[at] || tree.parents[at] != static_cast<double>(node)) return false;
      met[at] = true;
      ++reached;
      open.push_back(at);
    }
  }
  return reached == nodes;
}

// Splits by sets of categories: node, start and length of each set in one array of categories.
bool categories_fit(const UbjsonValue& tree, const TreeArrays& arrays) {
  const auto categories = numbers(tree, "categories");
  const auto of_node = numbers(tree, "categories_nodes");
  const auto starts = numbers(tree, "categories_segments");
  const auto sizes = numbers(tree, "categories_sizes");
  if (!categories || !of_node || !starts || !sizes) return false;
  if (of_node->size() != starts->size() || of_node->size() != sizes->size()) return false;
  for (const double category : *categories) {
    if (!whole_within(category, 0, 16777215)) return false;
  }
  std::size_t categorical = 0;
  for (std::size_t i = 0; i < arrays.kind.size(); ++i) {
    if (!whole_within(arrays.kind[i], 0, 1)) return false;
    categorical += arrays.kind[i] == 1 ? 1 : 0;
  }
  if (categorical != of_node->size()) return false;
  double before = -1;
  double at = 0;
  for (std::size_t i = 0; i < of_node->size(); ++i) {
    const double node = (*of_node)[i];
    if (!whole_within(node, before + 1, static_cast<double>(arrays.kind.size()) - 1)) return false;
    if (arrays.kind[static_cast<std::size_t>(node)] != 1 || arrays.left[static_cast<std::size_t>(node)] == -1) return false;
    if ((*starts)[i] != at || !whole_within((*sizes)[i], 1, static_cast<double>(categories->size()) - at)) return false;
    before = node;
    at += (*sizes)[i];
  }
  return at == static_cast<double>(categories->size());
}

Result<void> check_tree(const UbjsonValue& tree, std::int64_t width) {
  const UbjsonValue* param = tree.find("tree_param");
  const auto nodes = number_text(param, "num_nodes");
  if (!nodes || *nodes < 1 || number_text(param, "num_deleted").value_or(-1) != 0) return damaged("a tree has no nodes");
  if (number_text(param, "num_feature") != width || number_text(param, "size_leaf_vector").value_or(-1) > 1) {
    return damaged("a tree reads other features");
  }
  TreeArrays arrays;
  const std::array<std::pair<const char*, Numbers*>, 5> wanted = {{{"left_children", &arrays.left},
                                                                   {"right_children", &arrays.right},
                                                                   {"parents", &arrays.parents},
                                                                   {"split_indices", &arrays.feature},
                                                                   {"split_type", &arrays.kind}}};
  for (const auto& [name, target] : wanted) {
    auto values = numbers(tree, name);
    if (!values || static_cast<std::int64_t>(values->size()) != *nodes) return damaged(std::string("a tree lacks ") + name);
    *target = std::move(*values);
  }
  for (const char* name : {"split_conditions", "default_left", "base_weights", "loss_changes", "sum_hessian"}) {
    const auto values = numbers(tree, name);
    if (!values || static_cast<std::int64_t>(values->size()) != *nodes) return damaged(std::string("a tree lacks ") + name);
  }
  if (!is_tree(arrays, static_cast<double>(width))) return damaged("the nodes of a tree form no tree");
  if (!categories_fit(tree, arrays)) return damaged("a tree's sets of categories do not fit");
  return {};
}

Result<void> check_trees(const UbjsonValue& model, std::int64_t classes, std::int64_t width) {
  const UbjsonValue* trees = model.find("trees");
  const auto classes_of = numbers(model, "tree_info");
  const auto rounds = numbers(model, "iteration_indptr");
  if (trees == nullptr || trees->kind != UbjsonValue::Kind::list || trees->list.empty() || !classes_of || !rounds) {
    return damaged("it has no trees");
  }
  const auto count = static_cast<std::int64_t>(trees->list.size());
  const UbjsonValue* param = model.find("gbtree_model_param");
  if (number_text(param, "num_trees") != count || number_text(param, "num_parallel_tree") != 1 ||
      classes_of->size() != trees->list.size()) {
    return damaged("the number of trees is not the one announced");
  }
  const double most = classes <= 2 ? 0 : static_cast<double>(classes - 1);
  for (const double of : *classes_of) {
    if (!whole_within(of, 0, most)) return damaged("a tree serves a class that does not exist");
  }
  double before = 0;
  for (std::size_t i = 0; i < rounds->size(); ++i) {
    if (!whole_within((*rounds)[i], i == 0 ? 0 : before, i == 0 ? 0 : static_cast<double>(count))) return damaged("its rounds do not add up");
    before = (*rounds)[i];
  }
  if (rounds->size() < 2 || before != static_cast<double>(count)) return damaged("its rounds do not add up");
  if (const UbjsonValue* cats = model.find("cats")) {
    for (const char* name : {"enc", "feature_segments", "sorted_idx"}) {
      const UbjsonValue* part = cats->find(name);
      if (part != nullptr && !(part->list.empty() && part->text.empty())) return damaged("it carries its own names of categories");
    }
  }
  for (std::size_t i = 0; i < trees->list.size(); ++i) {
    const UbjsonValue* id = trees->list[i].find("id");
    if (id == nullptr || id->kind != UbjsonValue::Kind::integer || id->integer != static_cast<std::int64_t>(i)) {
      return damaged("its trees are not in order");
    }
    PLIMSOLL_CHECK(check_tree(trees->list[i], width));
  }
  return {};
}

}  // namespace

const char* tree_objective(std::int64_t classes) { return classes == 1 ? "reg:squarederror" : classes == 2 ? "binary:logistic" : "multi:softprob"; }

Result<UbjsonValue> read_booster(std::string_view bytes, std::int64_t classes, std::int64_t width) {
  auto document = read_ubjson(bytes);
  if (!document) return damaged("it is no UBJSON document");
  const UbjsonValue* learner = document->find("learner");
  if (learner == nullptr || document->names.size() != 2) return damaged("it has no learner");
  const UbjsonValue* booster = learner->find("gradient_booster");
  const UbjsonValue* model = booster != nullptr ? booster->find("model") : nullptr;
  if (model == nullptr || !is_text(booster->find("name"), "gbtree")) return damaged("it is no booster of trees");
  const UbjsonValue* param = learner->find("learner_model_param");
  const UbjsonValue* objective = learner->find("objective");
  if (number_text(param, "num_feature") != width || number_text(param, "num_class") != (classes <= 2 ? 0 : classes) ||
      number_text(param, "num_target").value_or(1) != 1) {
    return damaged("it does not have the model's features or classes");
  }
  const UbjsonValue* name = objective != nullptr ? objective->find("name") : nullptr;
  if (!is_text(name, tree_objective(classes)) && !(classes == 1 && is_text(name, "reg:quantileerror"))) {
    return damaged("it was trained for something else");
  }
  PLIMSOLL_CHECK(check_trees(*model, classes, width));
  return *std::move(document);
}

Result<void> check_booster_bytes(std::string_view bytes, std::int64_t classes, std::int64_t width) {
  const auto read = read_booster(bytes, classes, width);
  if (!read.ok()) return read.error();
  return {};
}

}  // namespace plimsoll::learn
