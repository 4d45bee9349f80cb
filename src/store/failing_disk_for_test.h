// A file system for SQLite whose writes fail when a test says so: a full disk, a broken one.
#pragma once

namespace aquilon::store {

class FailingDisk {
 public:
  static constexpr const char* kName = "failing-disk";

  // Registers it, on top of SQLite's own. Any number of times.
  static void install();
  // The `nth` write, truncation or sync from now (1: the next) and all after it fail with SQLite's
  // `code`, until works().
  static void fail_from(int nth, int code);
  // Nothing fails any more. Returns how many failed.
  static int works();
};

}  // namespace aquilon::store
