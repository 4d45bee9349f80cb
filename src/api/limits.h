// The limits of keys as clients see them: refusals and headers.
#pragma once

#include <vector>

#include "api/account.h"
#include "api/api_error.h"
#include "api/http_message.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// Counts a request of the key: 429 with the time to wait if it does not fit.
Refusal take_request(const Account& account);
// Reserves what a request may use: 429 likewise; not to be tried again if its prompt alone is more
// than the limit.
Refusal reserve_tokens(const Account& account, std::int64_t prompt_tokens,
                       std::int64_t answer_tokens, Reservation& out);
// What is left now, under the names of OpenAI's libraries and of Mistral's; nothing for null and
// for what has no limit.
void append_limit_headers(const Account* account, std::vector<Header>& headers);

// 403 where the key (null: none is needed) may not use this model.
Refusal check_model(const Account* account, const chat::ModelStatus& model);

}  // namespace aquilon::api
