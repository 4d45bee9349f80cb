#include <boost/beast/zlib/inflate_stream.hpp>

#include "api/gunzip_internal.h"

namespace aquilon::api {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

// Bytes of the member's header (RFC 1952); 0 when it is not one.
std::size_t header_size(std::span<const unsigned char> gzip) {
  enum : unsigned { kExtra = 4, kName = 8, kComment = 16, kHeaderCrc = 2 };
  if (gzip.size() < 18 || gzip[0] != 0x1F || gzip[1] != 0x8B || gzip[2] != 8) return 0;
  const unsigned flags = gzip[3];
  std::size_t at = 10;
  if (flags & kExtra) at += std::size_t{2} + gzip[at] + 256u * gzip[at + 1];
  for (const unsigned text : {unsigned{kName}, unsigned{kComment}}) {
    if (!(flags & text)) continue;
    while (at < gzip.size() && gzip[at] != 0) ++at;
    ++at;
  }
  if (flags & kHeaderCrc) at += 2;
  return at < gzip.size() ? at : 0;
}

}  // namespace

std::string gunzip(std::span<const unsigned char> gzip) {
  namespace zlib = boost::beast::zlib;
  const std::size_t start = header_size(gzip);
  if (start == 0) return {};
  zlib::inflate_stream inflate;
  zlib::z_params params;
  params.next_in = gzip.data() + start;
  params.avail_in = gzip.size() - start;
  std::string out;
  boost::system::error_code ec;
  while (ec != zlib::error::end_of_stream && out.size() < kMaxBytes) {
    const std::size_t old = out.size();
    out.resize(old + std::max<std::size_t>(gzip.size() * 4, 4096));
    params.next_out = out.data() + old;
    params.avail_out = out.size() - old;
    ec = {};
    inflate.write(params, zlib::Flush::sync, ec);
    out.resize(out.size() - params.avail_out);
    if (ec && ec != zlib::error::end_of_stream) return {};
    if (!ec && out.size() == old) return {};  // no progress: cut off
  }
  return out;
}

}  // namespace aquilon::api
