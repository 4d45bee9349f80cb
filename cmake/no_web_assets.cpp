// The table of a build without the browser application.
#include "api/web_assets.h"

namespace aquilon::api {

std::span<const WebAsset> web_assets() { return {}; }

}  // namespace aquilon::api
