// TLS over real sockets, with certificates made on the spot.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "api/http_client_for_test.h"
#include "api/server_for_test.h"

namespace aquilon::api {
namespace {

using namespace std::chrono_literals;

// A key and a certificate that it signed itself, as files.
TlsFiles make_certificate(const std::string& name) {
  const std::string folder = testing::TempDir();
  TlsFiles files{fmt::format("{}{}-{}.pem", folder, name, getpid()),
                 fmt::format("{}{}-{}.key", folder, name, getpid())};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

// Blocking; trusts everybody.
class TlsClient {
 public:
  explicit TlsClient(int port) : plain_(port), context_(SSL_CTX_new(TLS_client_method())) {
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, plain_.fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_); }
  void send(std::string_view text) {
    EXPECT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())),
              static_cast<int>(text.size()));
  }
  // Until the text has come, or the end.
  std::string receive_until(std::string_view text) {
    while (received_.find(text) == received_.npos) {
      std::array<char, 4096> buffer;
      const int n = SSL_read(ssl_, buffer.data(), buffer.size());
      if (n <= 0) break;
      received_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return received_;
  }
  bool ended_cleanly() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  ClientForTest plain_;
  SSL_CTX* context_;
  SSL* ssl_;
  std::string received_;
  bool connected_ = false;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() { std::signal(SIGPIPE, SIG_IGN); }  // as the program does
  const TlsFiles files_ = make_certificate("localhost");
};

std::string get(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

std::string chat(std::string_view content, std::string_view more = "") {
  return post_request("/v1/chat/completions",
                      fmt::format(R"({{"model":"fake-model","messages":[{{"role":"user",)"
                                  R"("content":"{}"}}]{}}})",
                                  content, more));
}

TEST_F(TlsTest, AnswersAndStreams) {
  ServerForTest server({.tls = files_});
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.version(), "TLSv1.3");
  client.send(get("/health"));
  EXPECT_NE(client.receive_until("\"ok\"}").find("HTTP/1.1 200 OK"), std::string::npos);
  client.send(chat("go", R"(,"stream":true)"));
  EXPECT_NE(client.receive_until("[DONE]").find("wind"), std::string::npos);
}

TEST_F(TlsTest, LargeBodiesComeInManyRecords) {
  ServerForTest server({.tls = files_}, {.context_length = 1 << 20});
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  client.send(chat(std::string(300'000, 'a')) + get("/v1/models"));
  EXPECT_NE(client.receive_until("\"object\":\"list\"").find("The north wind"), std::string::npos);
}

TEST_F(TlsTest, AClientThatLeavesCancelsItsGeneration) {
  ServerForTest server({.tls = files_});
  {
    TlsClient client(server.port());
    ASSERT_TRUE(client.connected());
    client.send(chat("go", R"(,"stream":true,"ignore_eos":true)"));
    client.receive_until("wind");
  }
  for (int i = 0; i < 500 && server.generator().running() > 0; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server.generator().running(), 0);
}

TEST_F(TlsTest, TheEndIsSaid) {
  ServerForTest server({.tls = files_});
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected());
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  client.receive_until("never");
  EXPECT_TRUE(client.ended_cleanly());
}

TEST_F(TlsTest, PlainHttpIsTold) {
  ServerForTest server({.tls = files_});
  ClientForTest client(server.port());
  const ClientAnswer answer = client.get("/health");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("https"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsTest, HandshakesThatDawdleAreEnded) {
  ServerForTest server({.head_timeout = 100ms, .tls = files_});
  ClientForTest silent(server.port());
  ClientForTest half(server.port());
  half.send("\x16\x03\x01");
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  TlsClient client(server.port());
  EXPECT_TRUE(client.connected());
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  ServerForTest server({.tls = files_});
  ClientForTest plain(server.port());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, plain.fd());
  EXPECT_NE(SSL_connect(ssl), 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_F(TlsTest, OlderCiphersAreRefused) {
  ServerForTest server({.tls = files_});
  const std::pair<const char*, bool> cases[] = {
      {"ECDHE-ECDSA-AES128-GCM-SHA256", true}, {"ECDHE-ECDSA-AES256-GCM-SHA384", true},
      {"ECDHE-ECDSA-CHACHA20-POLY1305", true}, {"ECDHE-ECDSA-AES128-SHA256", false},
      {"ECDHE-ECDSA-AES128-SHA", false},       {"ECDHE-ECDSA-AES256-CCM8", false}};
  for (const auto& [suite, connects] : cases) {
    ClientForTest plain(server.port());
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_set_cipher_list(context, suite), 1) << suite;
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, plain.fd());
    EXPECT_EQ(SSL_connect(ssl) == 1, connects) << suite;
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
}

std::string encrypted_key() {
  const std::string path = fmt::format("{}encrypted-{}.key", testing::TempDir(), getpid());
  EVP_PKEY* key = EVP_EC_gen("P-256");
  std::FILE* file = std::fopen(path.c_str(), "w");
  PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "phrase", 6, nullptr, nullptr);
  std::fclose(file);
  EVP_PKEY_free(key);
  return path;
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  const TlsFiles other = make_certificate("other");
  const auto refused = [](const TlsFiles& files) {
    const auto loaded = TlsContext::load(files);
    return loaded.ok() ? "" : loaded.error().message;
  };
  EXPECT_EQ(refused({"/nowhere.pem", files_.key}),
            "--tls-cert /nowhere.pem cannot be read: No such file or directory");
  EXPECT_EQ(refused({files_.certificate, "/nowhere.key"}),
            "--tls-key /nowhere.key cannot be read: No such file or directory");
  EXPECT_EQ(refused({files_.certificate, "/"}), "--tls-key / cannot be read: Is a directory");
  const std::string locked = encrypted_key();
  EXPECT_NE(refused({files_.certificate, locked}).find("is encrypted"), std::string::npos);
  EXPECT_NE(refused({files_.certificate, locked}).find("openssl pkey -in " + locked),
            std::string::npos);
  EXPECT_NE(refused({files_.certificate, files_.certificate}).find("holds no private key in PEM"),
            std::string::npos);
  EXPECT_NE(refused({files_.certificate, other.key}).find(other.key), std::string::npos);
  EXPECT_NE(refused({files_.key, files_.key}).find("--tls-cert"), std::string::npos);
  EXPECT_EQ(refused(files_), "");
  EXPECT_GT(TlsContext::load(files_).value()->expires(), 1'700'000'000);
}

}  // namespace
}  // namespace aquilon::api
