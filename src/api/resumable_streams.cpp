#include "api/resumable_streams.h"

#include <charconv>
#include <deque>
#include <utility>
#include <vector>

#include "api/account.h"

namespace aquilon::api {
namespace {

// Who may go on with a stream: compared whole, never told.
struct StreamOwner {
  std::int64_t key_id = 0;   // of a key of the data folder
  std::uint64_t tenant = 0;  // of the key; 0: none was asked for
  std::string path;

  bool operator==(const StreamOwner&) const = default;
};

StreamOwner owner_of(const HttpRequest& request) {
  return {request.account ? request.account->key_id : 0, request.tenant, request.path};
}

}  // namespace

// One such stream: an exchange that passes on to the connection that is there, if one is.
class ResumableStream final : public Exchange,
                              public std::enable_shared_from_this<ResumableStream> {
 public:
  ResumableStream(ResumableStreams& streams, const HttpRequest& request,
                  std::shared_ptr<Exchange> first)
      : streams_(streams),
        id_(request.id),
        owner_(owner_of(request)),
        first_(first),
        client_(std::move(first)) {}

  void post(std::function<void()> task) override { first_->post(std::move(task)); }
  void offload(std::function<void()> work) override { first_->offload(std::move(work)); }
  void offload_long(std::function<void()> work) override { first_->offload_long(std::move(work)); }
  std::function<void()> after(std::chrono::milliseconds time, std::function<void()> task) override {
    return first_->after(time, std::move(task));
  }

  void respond(HttpResponse response) override {
    on_abandoned_ = nullptr;
    if (client_) client_->respond(std::move(response));
    forget();
  }

  void begin_events(std::vector<Header> headers) override {
    stream_ = true;
    headers_ = std::move(headers);
    if (client_) client_->begin_events(headers_);
  }

  void send_event(std::string_view data, std::string_view name, std::string_view) override {
    if (ended_ || !stream_) return;
    kept_.push_back({std::string(name), std::string(data)});
    kept_bytes_ += name.size() + data.size();
    while (kept_bytes_ > streams_.limits_.max_bytes) {
      kept_bytes_ -= kept_.front().name.size() + kept_.front().data.size();
      kept_.pop_front();
      ++first_kept_;
    }
    if (client_) client_->send_event(data, name, event_id(first_kept_ + kept_.size() - 1));
  }

  void end_events() override {
    if (std::exchange(ended_, true)) return;
    on_abandoned_ = nullptr;
    if (client_) client_->end_events();
    // What the last bytes on the wire became is not known: the end can be asked for as well.
    wait_for_client();
  }

  void on_abandoned(std::function<void(AbandonReason)> callback) override {
    on_abandoned_ = std::move(callback);
    listen();
  }

  bool is_of(const HttpRequest& request) const { return owner_ == owner_of(request); }
  bool has(std::size_t number) const {
    return number >= first_kept_ && number <= first_kept_ + kept_.size();
  }

  // `number`: of the first event to send.
  void attach(std::size_t number, std::shared_ptr<Exchange> client) {
    if (client_ && !ended_) client_->end_events();  // the old connection, which may not know yet
    cancel_wait();
    client_ = std::move(client);
    listen();
    client_->begin_events(headers_);
    for (std::size_t i = number - first_kept_; i < kept_.size() && client_; ++i)
      client_->send_event(kept_[i].data, kept_[i].name, event_id(first_kept_ + i));
    if (!ended_) return;
    if (client_) client_->end_events();
    wait_for_client();
  }

  // Nobody will come any more.
  void give_up(AbandonReason reason) {
    cancel_wait();
    if (const auto callback = std::exchange(on_abandoned_, nullptr)) callback(reason);
    forget();
  }

  bool waiting() const { return cancel_ != nullptr; }

 private:
  struct Event {
    std::string name;
    std::string data;
  };

  std::vector<Header> headers_;

  std::string event_id(std::size_t number) const { return id_ + "." + std::to_string(number); }

  void listen() {
    if (!client_ || ended_) return;
    client_->on_abandoned([self = weak_from_this(), client = client_.get()](AbandonReason reason) {
      if (const auto stream = self.lock()) stream->on_client_gone(client, reason);
    });
  }

  void on_client_gone(const Exchange* client, AbandonReason reason) {
    if (client != client_.get()) return;
    if (reason != AbandonReason::kClientGone) {
      if (const auto callback = std::exchange(on_abandoned_, nullptr)) callback(reason);
      return;
    }
    client_ = nullptr;
    if (stream_ && !ended_) {
      wait_for_client();
    } else {
      give_up(reason);
    }
  }

  void wait_for_client() {
    cancel_wait();
    if (streams_.stopping_) return give_up(AbandonReason::kClientGone);
    // A time that is over already can no longer be cancelled: its number tells.
    cancel_ = first_->after(streams_.limits_.wait, [self = weak_from_this(), round = round_] {
      const auto stream = self.lock();
      if (stream && stream->round_ == round) stream->give_up(AbandonReason::kClientGone);
    });
  }

  void cancel_wait() {
    ++round_;
    if (const auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }

  void forget() { streams_.streams_.erase(id_); }

  ResumableStreams& streams_;
  const std::string id_;
  const StreamOwner owner_;
  std::shared_ptr<Exchange> first_;   // for the threads, which outlive its connection
  std::shared_ptr<Exchange> client_;  // null: nobody is there
  std::function<void(AbandonReason)> on_abandoned_;
  std::function<void()> cancel_;  // the time that a client has to come back
  int round_ = 0;
  std::deque<Event> kept_;
  std::size_t kept_bytes_ = 0;
  std::size_t first_kept_ = 0;  // number of the first kept event
  bool stream_ = false;
  bool ended_ = false;
};

std::shared_ptr<Exchange> ResumableStreams::keep(const HttpRequest& request,
                                                 std::shared_ptr<Exchange> exchange) {
  if (streams_.size() >= limits_.max_streams) return exchange;
  auto stream = std::make_shared<ResumableStream>(*this, request, std::move(exchange));
  streams_[request.id] = stream;
  return stream;
}

bool ResumableStreams::resume(const HttpRequest& request,
                              const std::shared_ptr<Exchange>& exchange) {
  const std::string_view last = request.header("last-event-id");
  const std::size_t dot = last.rfind('.');
  if (dot == last.npos) return false;
  const auto found = streams_.find(last.substr(0, dot));
  if (found == streams_.end() || !found->second->is_of(request)) return false;
  const std::string_view digits = last.substr(dot + 1);
  std::size_t number = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (ec != std::errc() || end != digits.data() + digits.size()) return false;
  const std::shared_ptr<ResumableStream> stream = found->second;
  if (number == std::string::npos || !stream->has(number + 1)) return false;
  stream->attach(number + 1, exchange);
  return true;
}

void ResumableStreams::stop_waiting() {
  stopping_ = true;
  std::vector<std::shared_ptr<ResumableStream>> waiting;
  for (const auto& [id, stream] : streams_)
    if (stream->waiting()) waiting.push_back(stream);
  for (const auto& stream : waiting) stream->give_up(AbandonReason::kClientGone);
}

}  // namespace aquilon::api
