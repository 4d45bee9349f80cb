// A JSON Schema document: its subschemas as numbered nodes with their keywords, drafts, identifiers
// and references. No network: what is not in the document is not found.
#pragma once

#include <array>
#include <boost/json/value.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constraint/schema_refusal.h"
#include "constraint/work_meter_internal.h"

namespace aquilon::constraint {

enum class Draft : std::uint8_t { k4, k6, k7, k2019, k2020 };

enum class Keyword : std::uint8_t {
  kRef,
  kDynamicRef,
  kRecursiveRef,
  kType,
  kEnum,
  kConst,
  kProperties,
  kRequired,
  kAdditionalProperties,
  kPatternProperties,
  kPropertyNames,
  kMinProperties,
  kMaxProperties,
  kDependencies,
  kDependentRequired,
  kDependentSchemas,
  kUnevaluatedProperties,
  kItems,
  kPrefixItems,
  kAdditionalItems,
  kMinItems,
  kMaxItems,
  kUniqueItems,
  kContains,
  kMinContains,
  kMaxContains,
  kUnevaluatedItems,
  kMinLength,
  kMaxLength,
  kPattern,
  kFormat,
  kMinimum,
  kMaximum,
  kExclusiveMinimum,
  kExclusiveMaximum,
  kMultipleOf,
  kAllOf,
  kAnyOf,
  kOneOf,
  kNot,
  kIf,
  kThen,
  kElse,
  kCount
};
std::string_view keyword_name(Keyword keyword);

using NodeId = std::uint32_t;
inline constexpr NodeId kTrueNode = 0;
inline constexpr NodeId kFalseNode = 1;

struct SchemaNode {
  const boost::json::value* value = nullptr;
  std::string pointer;
  std::uint32_t resource = 0;
  std::array<const boost::json::value*, static_cast<std::size_t>(Keyword::kCount)> keywords{};

  const boost::json::value* at(Keyword keyword) const {
    return keywords[static_cast<std::size_t>(keyword)];
  }
};

class SchemaDocument {
 public:
  // `root` and `meter` outlive the document. Where the meter runs out, what is found is not all.
  SchemaDocument(const boost::json::value& root, WorkMeter& meter);

  NodeId root();
  const SchemaNode& node(NodeId id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  Draft draft(NodeId id) const { return resources_[nodes_[id].resource].draft; }
  // The subschema `value` found under `path` ("/properties/a") of the node `of`.
  NodeId child(NodeId of, const boost::json::value& value, std::string_view path);
  // A schema of our own making, kept for as long as the document.
  NodeId made(boost::json::value value, NodeId near);
  // What a reference at `from` means; nothing where the document does not hold it.
  std::optional<NodeId> resolve(NodeId from, std::string_view reference);
  // $dynamicRef and $recursiveRef, where only one target is possible.
  std::optional<NodeId> resolve_dynamic(NodeId from, std::string_view reference, bool recursive);
  bool uses_unevaluated() const { return uses_unevaluated_; }
  bool too_deep() const { return too_deep_; }

 private:
  struct Resource {
    std::string uri;  // without fragment; empty for a document that does not say
    const boost::json::value* root;
    std::string pointer;
    Draft draft;
    bool recursive_anchor = false;
  };
  struct Target {
    const boost::json::value* value;
    std::string pointer;
    std::uint32_t resource;
    bool dynamic;
  };

  NodeId node_for(const boost::json::value& value, std::string pointer, std::uint32_t resource);
  void read_keywords(SchemaNode& node) const;
  // `pointer` is that of the value, and is again when it returns.
  void index(const boost::json::value& value, std::string& pointer, std::uint32_t resource,
             int depth);
  std::uint32_t index_id(const boost::json::object& object, const boost::json::value& value,
                         const std::string& pointer, std::uint32_t resource, int depth);
  void index_anchors(const boost::json::object& object, const boost::json::value& value,
                     const std::string& pointer, std::uint32_t resource);
  bool hold_text(std::size_t bytes);
  std::uint32_t resource_of(const boost::json::value& value, std::uint32_t outer) const;
  bool add_metaschema(const std::string& uri);
  std::optional<NodeId> follow(std::uint32_t resource, std::string_view pointer);

  std::deque<SchemaNode> nodes_;
  std::unordered_map<const boost::json::value*, NodeId> ids_;
  std::vector<Resource> resources_;
  std::unordered_map<const boost::json::value*, std::uint32_t> resource_roots_;
  std::unordered_map<std::string, std::uint32_t> by_uri_;
  std::unordered_map<std::string, Target> anchors_;  // "uri#name"
  std::unordered_map<std::string, int> dynamic_names_;
  std::deque<boost::json::value> made_;
  const boost::json::value* root_;
  WorkMeter& meter_;
  bool uses_unevaluated_ = false;
  bool too_deep_ = false;
};

std::string pointer_token(std::string_view key);

}  // namespace aquilon::constraint
