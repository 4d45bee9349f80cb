#include <boost/json/parse.hpp>
#include <charconv>

#include "constraint/metaschemas_internal.h"
#include "constraint/schema_document_internal.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

constexpr int kMaxDepth = 200;

constexpr std::array<std::string_view, static_cast<std::size_t>(Keyword::kCount)> kNames = {
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "items",
    "prefixItems",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else"};

const std::unordered_map<std::string_view, Keyword>& keyword_index() {
  static const auto index = [] {
    std::unordered_map<std::string_view, Keyword> map;
    for (std::size_t i = 0; i < kNames.size(); ++i) map[kNames[i]] = static_cast<Keyword>(i);
    return map;
  }();
  return index;
}

std::optional<Draft> draft_of(std::string_view uri) {
  if (uri.find("draft-03") != uri.npos || uri.find("draft-04") != uri.npos) return Draft::k4;
  if (uri.find("draft-06") != uri.npos) return Draft::k6;
  if (uri.find("draft-07") != uri.npos) return Draft::k7;
  if (uri.find("2019-09") != uri.npos) return Draft::k2019;
  if (uri.find("2020-12") != uri.npos) return Draft::k2020;
  return std::nullopt;
}

// RFC 3986 5.2, as far as schema identifiers need it.
std::string join_uri(std::string_view base, std::string_view reference) {
  const std::size_t colon = reference.find(':');
  if (colon != reference.npos && reference.find('/') > colon) return std::string(reference);
  if (reference.empty()) return std::string(base);
  const std::size_t scheme = base.find("://");
  const std::size_t path = scheme == base.npos ? 0 : base.find('/', scheme + 3);
  if (reference[0] == '/') {
    const std::size_t keep = scheme == base.npos ? 0 : path == base.npos ? base.size() : path;
    return std::string(base.substr(0, keep)) + std::string(reference);
  }
  const std::size_t slash = base.rfind('/');
  if (slash == base.npos || (scheme != base.npos && path == base.npos))
    return scheme == base.npos ? std::string(reference)
                               : std::string(base) + "/" + std::string(reference);
  return std::string(base.substr(0, slash + 1)) + std::string(reference);
}

std::string unescape(std::string_view token) {
  std::string percent, out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    unsigned value = 0;
    if (token[i] == '%' && i + 2 < token.size() &&
        std::from_chars(token.data() + i + 1, token.data() + i + 3, value, 16).ptr ==
            token.data() + i + 3) {
      percent += static_cast<char>(value);
      i += 2;
    } else {
      percent += token[i];
    }
  }
  for (std::size_t i = 0; i < percent.size(); ++i) {
    if (percent[i] == '~' && i + 1 < percent.size() &&
        (percent[i + 1] == '0' || percent[i + 1] == '1'))
      out += percent[++i] == '0' ? '~' : '/';
    else
      out += percent[i];
  }
  return out;
}

const json::string* text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

}  // namespace

std::string_view keyword_name(Keyword keyword) {
  return keyword == Keyword::kCount ? std::string_view()
                                    : kNames[static_cast<std::size_t>(keyword)];
}

std::string pointer_token(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

SchemaDocument::SchemaDocument(const json::value& root, WorkMeter& meter)
    : root_(&root), meter_(meter) {
  Draft draft = Draft::k2020;
  if (const json::object* object = root.if_object())
    if (const json::string* uri = text_at(*object, "$schema"))
      draft = draft_of(*uri).value_or(Draft::k2020);
  resources_.push_back({"", &root, "", draft});
  made_.emplace_back(true);
  nodes_.push_back({&made_.back(), "", 0});
  made_.emplace_back(false);
  nodes_.push_back({&made_.back(), "", 0});
  by_uri_[""] = 0;
  resource_roots_[&root] = 0;
  std::string pointer;
  index(root, pointer, 0, 0);
}

NodeId SchemaDocument::root() {
  return node_for(*root_, "", 0);
}

std::uint32_t SchemaDocument::resource_of(const json::value& value, std::uint32_t outer) const {
  const auto found = resource_roots_.find(&value);
  return found == resource_roots_.end() ? outer : found->second;
}

// Identifiers and pointers are joined from those around them: many of a long one are much text.
bool SchemaDocument::hold_text(std::size_t bytes) {
  return meter_.spend(4 + bytes / 64) && meter_.hold(128 + bytes);
}

// The resource that the schema is in, which may begin with it.
std::uint32_t SchemaDocument::index_id(const json::object& object, const json::value& value,
                                       const std::string& pointer, std::uint32_t resource,
                                       int depth) {
  const Draft outer = resources_[resource].draft;
  const json::string* id = text_at(object, "$id");
  if (id == nullptr && outer == Draft::k4) id = text_at(object, "id");
  const bool ignored = outer <= Draft::k7 && object.contains("$ref");
  if (id == nullptr || ignored) return resource;
  const std::string_view text = *id;
  const std::string& base = resources_[resource].uri;
  if (!hold_text(2 * (base.size() + text.size()) + pointer.size())) return resource;
  const std::size_t hash = text.find('#');
  const std::string uri = join_uri(base, text.substr(0, hash));
  if (hash == 0) {
    anchors_[base + std::string(text)] = {&value, pointer, resource, false};
  } else if (depth == 0) {
    resources_[0].uri = uri;
    by_uri_[uri] = 0;
  } else {
    Draft draft = outer;
    if (const json::string* declared = text_at(object, "$schema"))
      draft = draft_of(*declared).value_or(outer);
    resource = static_cast<std::uint32_t>(resources_.size());
    resources_.push_back({uri, &value, pointer, draft});
    by_uri_.emplace(uri, resource);
    resource_roots_[&value] = resource;
  }
  return resource;
}

void SchemaDocument::index_anchors(const json::object& object, const json::value& value,
                                   const std::string& pointer, std::uint32_t resource) {
  for (const std::string_view key : {"$anchor", "$dynamicAnchor"}) {
    const json::string* name = text_at(object, key);
    if (name == nullptr) continue;
    const std::string& base = resources_[resource].uri;
    if (!hold_text(base.size() + 2 * name->size() + pointer.size())) return;
    const bool dynamic = key == "$dynamicAnchor";
    anchors_[base + "#" + std::string(*name)] = {&value, pointer, resource, dynamic};
    if (dynamic) ++dynamic_names_[std::string(*name)];
  }
  if (const json::value* anchor = object.if_contains("$recursiveAnchor");
      anchor != nullptr && anchor->is_bool() && anchor->get_bool())
    resources_[resource].recursive_anchor = true;
}

// Finds identifiers and anchors, wherever a subschema may be.
void SchemaDocument::index(const json::value& value, std::string& pointer, std::uint32_t resource,
                           int depth) {
  if (depth > kMaxDepth) {
    too_deep_ = true;
    return;
  }
  const std::size_t length = pointer.size();
  if (const json::array* list = value.if_array()) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (!(*list)[i].is_structured()) continue;
      if (!meter_.spend(2)) return;
      pointer += "/" + std::to_string(i);
      index((*list)[i], pointer, resource, depth + 1);
      pointer.resize(length);
    }
    return;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return;
  resource = index_id(*object, value, pointer, resource, depth);
  index_anchors(*object, value, pointer, resource);
  if (object->contains("unevaluatedProperties") || object->contains("unevaluatedItems"))
    uses_unevaluated_ = true;
  for (const auto& [key, member] : *object) {
    if (!member.is_structured() || key == "enum" || key == "const" || key == "default" ||
        key == "examples")
      continue;
    if (!meter_.spend(2)) return;
    pointer += "/" + pointer_token(key);
    index(member, pointer, resource, depth + 1);
    pointer.resize(length);
  }
}

void SchemaDocument::read_keywords(SchemaNode& node) const {
  const json::object* object = node.value->if_object();
  if (object == nullptr) return;
  const auto& names = keyword_index();
  for (const auto& [key, value] : *object) {
    const auto found = names.find(std::string_view(key));
    if (found != names.end()) node.keywords[static_cast<std::size_t>(found->second)] = &value;
  }
  const json::value* ref = node.at(Keyword::kRef);
  if (ref != nullptr && !ref->is_string()) {
    node.keywords[static_cast<std::size_t>(Keyword::kRef)] = nullptr;
    ref = nullptr;
  }
  if (ref != nullptr && resources_[node.resource].draft <= Draft::k7) {
    node.keywords.fill(nullptr);  // what stands beside a reference is ignored up to draft 7
    node.keywords[static_cast<std::size_t>(Keyword::kRef)] = ref;
  }
}

NodeId SchemaDocument::node_for(const json::value& value, std::string pointer,
                                std::uint32_t resource) {
  if (const bool* truth = value.if_bool()) {
    if (*truth) return kTrueNode;
    const auto found = ids_.find(&value);
    if (found != ids_.end()) return found->second;
    return kFalseNode;
  }
  const auto [at, inserted] = ids_.emplace(&value, static_cast<NodeId>(nodes_.size()));
  if (!inserted) return at->second;
  if (!meter_.spend(8) || !meter_.hold(sizeof(SchemaNode) + 64 + pointer.size())) {
    ids_.erase(at);
    return kFalseNode;
  }
  nodes_.push_back({&value, std::move(pointer), resource_of(value, resource)});
  read_keywords(nodes_.back());
  return at->second;
}

NodeId SchemaDocument::child(NodeId of, const json::value& value, std::string_view path) {
  const SchemaNode& node = nodes_[of];
  if (const auto known = ids_.find(&value); known != ids_.end()) return known->second;
  if (!meter_.spend(1 + node.pointer.size() / 64)) return kFalseNode;
  return node_for(value, node.pointer + std::string(path), node.resource);
}

NodeId SchemaDocument::made(json::value value, NodeId near) {
  made_.push_back(std::move(value));
  return node_for(made_.back(), nodes_[near].pointer, nodes_[near].resource);
}

std::optional<NodeId> SchemaDocument::follow(std::uint32_t resource, std::string_view pointer) {
  const json::value* value = resources_[resource].root;
  std::string path = resources_[resource].pointer;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
    const std::string token = unescape(pointer.substr(1, end - 1));
    if (const json::object* object = value->if_object()) {
      value = object->if_contains(token);
    } else if (const json::array* list = value->if_array()) {
      std::size_t i = 0;
      const auto [stop, ec] = std::from_chars(token.data(), token.data() + token.size(), i);
      value = ec == std::errc() && stop == token.data() + token.size() && i < list->size()
                  ? &(*list)[i]
                  : nullptr;
    } else {
      value = nullptr;
    }
    if (value == nullptr) return std::nullopt;
    if (!meter_.spend(4)) return kFalseNode;
    path += "/" + pointer_token(token);
    resource = resource_of(*value, resource);
    pointer.remove_prefix(end);
  }
  if (!value->is_object() && !value->is_bool()) return std::nullopt;
  return node_for(*value, std::move(path), resource);
}

// Takes in the metaschema of that URI; false where it is none.
bool SchemaDocument::add_metaschema(const std::string& uri) {
  const std::string text = metaschema(uri);
  if (text.empty()) return false;
  made_.push_back(json::parse(text));
  const auto resource = static_cast<std::uint32_t>(resources_.size());
  resources_.push_back({uri, &made_.back(), "", *draft_of(uri)});
  by_uri_[uri] = resource;
  resource_roots_[&made_.back()] = resource;
  return true;
}

std::optional<NodeId> SchemaDocument::resolve(NodeId from, std::string_view reference) {
  const std::string& uri_here = resources_[nodes_[from].resource].uri;
  if (!meter_.spend(8 + (uri_here.size() + reference.size()) / 16)) return kFalseNode;
  const std::size_t hash = reference.find('#');
  const std::string_view fragment =
      hash == reference.npos ? std::string_view() : reference.substr(hash + 1);
  const std::uint32_t base = nodes_[from].resource;
  std::uint32_t resource = base;
  if (hash != 0) {
    const std::string uri = join_uri(resources_[base].uri, reference.substr(0, hash));
    auto found = by_uri_.find(uri);
    if (found == by_uri_.end() && add_metaschema(uri)) found = by_uri_.find(uri);
    if (found == by_uri_.end()) {
      const auto anchor = anchors_.find(uri);
      if (anchor == anchors_.end() || !fragment.empty()) return std::nullopt;
      return node_for(*anchor->second.value, anchor->second.pointer, anchor->second.resource);
    }
    resource = found->second;
  }
  if (fragment.empty() || fragment[0] == '/') return follow(resource, fragment);
  const auto anchor = anchors_.find(resources_[resource].uri + "#" + unescape(fragment));
  if (anchor == anchors_.end()) return std::nullopt;
  return node_for(*anchor->second.value, anchor->second.pointer, anchor->second.resource);
}

std::optional<NodeId> SchemaDocument::resolve_dynamic(NodeId from, std::string_view reference,
                                                      bool recursive) {
  if (recursive) {
    if (resources_.size() > 1)
      for (const Resource& resource : resources_)
        if (resource.recursive_anchor) return std::nullopt;
    return resolve(from, reference);
  }
  const std::size_t hash = reference.find('#');
  if (hash != reference.npos && hash + 1 < reference.size() && reference[hash + 1] != '/') {
    const auto found = dynamic_names_.find(std::string(reference.substr(hash + 1)));
    if (found != dynamic_names_.end() && found->second > 1) return std::nullopt;
  }
  return resolve(from, reference);
}

}  // namespace aquilon::constraint
