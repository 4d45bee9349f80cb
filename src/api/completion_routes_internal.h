// How every generating route answers.
#pragma once

#include "api/generation_session.h"
#include "api/router.h"

namespace aquilon::api {

// Returns at once. With "x-stream-resume: true" a stream outlives its connection; with
// Last-Event-ID such a stream goes on, whatever the body says. Azure's header extra-parameters
// overrides the server's strictness.
void answer_generating(ApiContext& context, const GenerationRoute& route, BodyRules rules,
                       HttpRequest request, std::shared_ptr<Exchange> exchange);

}  // namespace aquilon::api
