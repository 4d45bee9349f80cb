// Values that a template computes with: Python's, as far as templates see them.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/jinja/traced_text_internal.h"

namespace aquilon::chat::jinja {

class Interpreter;
class Value;

struct None {};
// A variable, key or attribute that is not there. Printing it gives nothing; using it is an error
// that says `what`.
struct Undefined {
  std::shared_ptr<const std::string> what;  // never null
};

struct List;
struct Dict;
struct Namespace;
struct Loop;
struct Function;
using ListPtr = std::shared_ptr<List>;
using DictPtr = std::shared_ptr<Dict>;
using NamespacePtr = std::shared_ptr<Namespace>;
using LoopPtr = std::shared_ptr<Loop>;
using FunctionPtr = std::shared_ptr<const Function>;

class Value {
 public:
  Value() : data_(None{}) {}
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(TracedText text) : data_(std::make_shared<const TracedText>(std::move(text))) {}
  Value(Undefined undefined) : data_(std::move(undefined)) {}
  Value(TextPtr text) : data_(std::move(text)) {}
  Value(ListPtr list) : data_(std::move(list)) {}
  Value(DictPtr dict) : data_(std::move(dict)) {}
  Value(NamespacePtr space) : data_(std::move(space)) {}
  Value(LoopPtr loop) : data_(std::move(loop)) {}
  Value(FunctionPtr function) : data_(std::move(function)) {}
  Value(const char*) = delete;  // would be a bool

  static Value undefined(std::string what);
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  // The object behind a pointer alternative, or null.
  const TracedText* text() const { return pointee<TextPtr>(); }
  List* list() const { return pointee<ListPtr>(); }
  Dict* dict() const { return pointee<DictPtr>(); }
  Namespace* space() const { return pointee<NamespacePtr>(); }
  Loop* loop() const { return pointee<LoopPtr>(); }
  const Function* function() const { return pointee<FunctionPtr>(); }
  const Undefined* undefined() const { return get_if<Undefined>(); }

  bool is_none() const { return get_if<None>() != nullptr; }
  bool is_undefined() const { return undefined() != nullptr; }
  bool is_number() const;  // bool, integer or float, as in Python
  // Booleans count as 0 and 1.
  std::optional<std::int64_t> as_integer() const;
  std::optional<double> as_float() const;  // of any number

  // Levels of values within values; what may change (namespaces, appended lists) counts when built.
  int depth() const;
  bool truthy() const;
  std::string_view type_name() const;  // Python's: "str", "dict", "NoneType", ...
  bool same_object(const Value& other) const;

 private:
  template <class Ptr>
  typename Ptr::element_type* pointee() const {
    const Ptr* pointer = std::get_if<Ptr>(&data_);
    return pointer ? pointer->get() : nullptr;
  }

  std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, ListPtr, DictPtr, NamespacePtr,
               LoopPtr, FunctionPtr>
      data_;
};

struct List {
  std::vector<Value> items;
  bool tuple = false;
  bool frozen = false;  // from the input, or a tuple: methods may not change it
  int depth = 1;
};

// Keeps insertion order. Keys are what Python can hash, tuples excepted.
struct Dict {
  using Entry = std::pair<Value, Value>;

  const std::vector<Entry>& entries() const { return entries_; }
  int depth() const { return depth_; }
  // Null when there is none. `key` may be anything.
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  // False: `key` cannot be a key.
  bool set(Value key, Value value);

 private:
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;  // by key_form
  int depth_ = 1;
};

struct Namespace {
  std::map<std::string, Value, std::less<>> attributes;
};

// The variable `loop`.
struct Loop {
  ListPtr items;
  std::size_t index = 0;
};

struct CallArgs {
  std::vector<Value> positional = {};
  std::vector<std::pair<std::string, Value>> keyword = {};
};

struct Function {
  std::string name;
  std::function<Result<Value>(Interpreter&, CallArgs)> call;
  int depth = 1;  // of what it holds
};

// Copies `json` with all of its text untrusted and all of its lists frozen.
// Errors: kInvalidArgument: nested deeper than kMaxValueDepth.
Result<Value> from_json(const boost::json::value& json, int depth = 0);

}  // namespace aquilon::chat::jinja
