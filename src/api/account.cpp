#include "api/account.h"

#include <algorithm>

namespace aquilon::api {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

const std::vector<std::string>& scope_names() {
  static const std::vector<std::string> names = {"inference", "admin", "metrics"};
  return names;
}

std::string_view scope_name(Scope scope) {
  switch (scope) {
    case Scope::kApi:
      return "inference";
    case Scope::kMetrics:
      return "metrics";
    case Scope::kAdmin:
      return "admin";
    default:
      return {};
  }
}

bool Account::may(Scope scope) const {
  switch (scope) {
    case Scope::kPublic:
      return true;
    case Scope::kApi:
      return contains(scopes, "inference");
    case Scope::kMetrics:
      return contains(scopes, "metrics") || contains(scopes, "admin");
    case Scope::kAdmin:
      return contains(scopes, "admin");
    case Scope::kUndeclared:
      break;
  }
  return false;
}

bool Account::may_use(std::string_view id, const std::vector<std::string>& aliases) const {
  if (models.empty() || contains(models, id)) return true;
  return std::any_of(aliases.begin(), aliases.end(),
                     [this](const std::string& alias) { return contains(models, alias); });
}

}  // namespace aquilon::api
