#include "api/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "base/descriptor.h"

namespace aquilon::api {
namespace {

// With TLS 1.2: keys for one connection alone, and ciphers that authenticate what they encrypt.
constexpr const char* kSuites = "ECDHE+AESGCM:ECDHE+CHACHA20";

// "key values mismatch": the reason that OpenSSL gives last.
std::string tls_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "it cannot be read";
}

// OpenSSL calls everything that it cannot open "system lib".
Status check_readable(std::string_view flag, const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  const int code = !file.ok() || ::fstat(file.get(), &info) != 0 ? errno
                   : S_ISDIR(info.st_mode)                       ? EISDIR
                                                                 : 0;
  if (code == 0) return {};
  return make_error(Code::kInvalidArgument, "{} {} cannot be read: {}", flag, path,
                    std::generic_category().message(code));
}

Error no_pem(std::string_view flag, const std::string& path, std::string_view what) {
  return make_error(Code::kInvalidArgument, "{} {} holds no {} in PEM ({})", flag, path, what,
                    tls_reason());
}

// A key with a pass phrase is refused instead of asking for it on the terminal. `asked`: a bool.
int no_password(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, kHttp11.data(), kHttp11.size(),
                                          offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::int64_t expiry(SSL_CTX* context) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  std::tm time{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 0;
  return timegm(&time);
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::load(const TlsFiles& files) {
  std::shared_ptr<TlsContext> tls(new TlsContext());
  tls->context_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX* context = tls->context_;
  if (!context) return make_error(Code::kInternal, "TLS cannot be started: {}", tls_reason());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kSuites);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  bool encrypted = false;
  SSL_CTX_set_default_passwd_cb(context, &no_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &encrypted);
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
  AQ_RETURN_IF_ERROR(check_readable("--tls-cert", files.certificate));
  AQ_RETURN_IF_ERROR(check_readable("--tls-key", files.key));
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return no_pem("--tls-cert", files.certificate, "certificate");
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (!encrypted) return no_pem("--tls-key", files.key, "private key");
    ERR_clear_error();
    return make_error(Code::kInvalidArgument,
                      "--tls-key {0} is encrypted: store it without its pass phrase, `openssl pkey "
                      "-in {0} -out FILE`, and give that FILE",
                      files.key);
  }
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);  // what it points to ends here
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (SSL_CTX_check_private_key(context) != 1)
    return make_error(Code::kInvalidArgument, "--tls-key {} is not the key of --tls-cert {}: {}",
                      files.key, files.certificate, tls_reason());
  tls->expires_ = expiry(context);
  return tls;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

}  // namespace aquilon::api
