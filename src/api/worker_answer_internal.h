// Answers that take a worker but no generation: a body, a model, a result.
#pragma once

#include <memory>
#include <string>

#include "api/body_schema.h"
#include "api/exchange.h"
#include "api/router.h"

namespace aquilon::api {

struct WorkerRoute {
  const BodySchema& (*body)();
  // On a worker. The body of the answer, or what is wrong.
  Result<std::string> (*answer)(const chat::Generator& model, const CompletionRequest& request);
  ErrorForm errors = ErrorForm::kCommon;
};

// Returns at once. A body without `model` means the default one.
void answer_on_worker(ApiContext& context, const WorkerRoute& route, HttpRequest request,
                      std::shared_ptr<Exchange> exchange);

}  // namespace aquilon::api
