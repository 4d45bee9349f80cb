// The metaschemas of the drafts, so that a schema may refer to them: what a schema of a draft must
// be, without annotations, each as one document.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::constraint {

// The metaschema that `uri` names, without its fragment; empty for any other URI.
std::string metaschema(std::string_view uri);

}  // namespace aquilon::constraint
