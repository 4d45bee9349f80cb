#include "base/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/descriptor.h"

namespace aquilon {
namespace {

class ServiceManagerTest : public testing::Test {
 protected:
  void TearDown() override {
    for (const char* name :
         {"LISTEN_PID", "LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      unsetenv(name);
  }
  static void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
};

TEST_F(ServiceManagerTest, OneSocketIsTakenOnce) {
  EXPECT_EQ(inherited_socket().value(), std::nullopt);
  set("LISTEN_PID", std::to_string(getpid()));
  set("LISTEN_FDS", "1");
  EXPECT_EQ(inherited_socket().value(), 3);
  EXPECT_EQ(inherited_socket().value(), std::nullopt);
}

TEST_F(ServiceManagerTest, SocketsOfOthersAndSeveralAreNot) {
  set("LISTEN_PID", std::to_string(getpid() + 1));
  set("LISTEN_FDS", "1");
  EXPECT_EQ(inherited_socket().value(), std::nullopt);
  set("LISTEN_PID", std::to_string(getpid()));
  set("LISTEN_FDS", "2");
  EXPECT_FALSE(inherited_socket().ok());
  set("LISTEN_PID", "x");
  set("LISTEN_FDS", "1");
  EXPECT_EQ(inherited_socket().value(), std::nullopt);
}

TEST_F(ServiceManagerTest, StatesArrive) {
  EXPECT_FALSE(notify_service_manager("READY=1"));
  const std::string name = "aquilon-test-" + std::to_string(getpid());
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  set("NOTIFY_SOCKET", "@" + name);
  EXPECT_TRUE(notify_service_manager("READY=1\nSTATUS=here"));
  std::array<char, 64> got;
  const ssize_t n = recv(socket.get(), got.data(), got.size(), 0);
  EXPECT_EQ(std::string(got.data(), n > 0 ? static_cast<std::size_t>(n) : 0),
            "READY=1\nSTATUS=here");
  set("NOTIFY_SOCKET", "relative");
  EXPECT_FALSE(notify_service_manager("READY=1"));
}

TEST_F(ServiceManagerTest, TheWatchdogIsForOneProcess) {
  EXPECT_FALSE(watchdog_interval());
  set("WATCHDOG_USEC", "30000000");
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  set("WATCHDOG_PID", std::to_string(getpid()));
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(30));
  set("WATCHDOG_PID", std::to_string(getpid() + 1));
  EXPECT_FALSE(watchdog_interval());
  set("WATCHDOG_PID", "");
  set("WATCHDOG_USEC", "0");
  EXPECT_FALSE(watchdog_interval());
}

}  // namespace
}  // namespace aquilon
