// The engines' metrics under the names that vLLM's dashboards, autoscalers and routers query.
#pragma once

#include "api/metrics_text.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// Those of every model that tells them, loaded or not. Threads: any.
void write_engine_metrics(const chat::ModelPool& models, MetricsText& out);

}  // namespace aquilon::api
