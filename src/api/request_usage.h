// What one request uses, from its arrival to its row in the book.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/accounts.h"
#include "api/api_error.h"
#include "api/http_message.h"
#include "engine/request.h"  // Usage

namespace aquilon::api {

// How a request ended, for its row.
struct Ending {
  std::string id;                      // that the client saw
  std::string_view ended;              // see store::UsageRecord
  int status = 200;                    // HTTP's
  std::string code;                    // of the error
  std::optional<engine::Usage> usage;  // of whole answers; else what was counted counts
};

// Threads: safe.
class RequestUsage {
 public:
  // `accounts`: null where nobody keeps book; then nothing here does anything.
  RequestUsage(Accounts* accounts, const HttpRequest& request);

  bool is_kept() const { return accounts_ != nullptr; }

  void set_model(const std::string& id);
  // Before a prompt is queued: 429 if it does not fit the key's limits.
  Refusal reserve(std::int64_t prompt_tokens, std::int64_t answer_tokens);
  // One of its prompts is queued.
  void add_prompt(std::int64_t prompt_tokens);
  void add_answer(std::size_t tokens);
  // One more token was made for an answer: false where the limits of its key have no room for
  // another, which ends it. On an engine's thread.
  bool take_token();
  // 401 where the key was revoked or has expired meanwhile.
  Refusal check_key() const;

  // Writes the row, once: later calls do nothing and never call `written`, which is called on any
  // thread, and never where nobody keeps book. It may be null.
  void end(const Ending& ending, store::Writer::OnWritten written);

 private:
  Accounts* const accounts_;
  const std::shared_ptr<const Account> account_;
  std::mutex mutex_;
  store::UsageRecord row_;
  std::vector<Reservation> reserved_;
  std::int64_t reserved_tokens_ = 0;
  std::int64_t made_tokens_ = 0;  // of answers, and of prompts
  bool ended_ = false;
};

}  // namespace aquilon::api
