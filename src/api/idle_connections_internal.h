// Who waits for whom: the connections whose client is to move next, in the order in which they
// began to wait, so that a server without room closes the one that has waited longest.
//
// Threads: the network thread's.
#pragma once

#include <list>

namespace aquilon::api {

class Connection;

class IdleConnections {
 public:
  // A connection's place among them; leaves when it is destroyed.
  class Place {
   public:
    Place() = default;
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // To the end. `known`: it has shown a key.
    void take(IdleConnections& all, Connection& connection, bool known) {
      leave();
      line_ = known ? &all.known_ : &all.strangers_;
      at_ = line_->insert(line_->end(), &connection);
    }
    void leave() {
      if (line_) line_->erase(at_);
      line_ = nullptr;
    }

   private:
    std::list<Connection*>* line_ = nullptr;
    std::list<Connection*>::iterator at_;
  };

  // Of those without a key, or else of the others; null: nobody waits.
  Connection* longest() const {
    if (!strangers_.empty()) return strangers_.front();
    return known_.empty() ? nullptr : known_.front();
  }

 private:
  std::list<Connection*> strangers_;
  std::list<Connection*> known_;
};

}  // namespace aquilon::api
