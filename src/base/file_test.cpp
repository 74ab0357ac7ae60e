// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/philox.h"

namespace plimsoll {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "plimsoll-file-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  int entries() const { return static_cast<int>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator())); }
  fs::path folder_;
};

TEST_F(FileTest, WritesAndReads) {
  const fs::path path = folder_ / "a.txt";
  std::string bytes(1 << 20, 'x');
  bytes[500000] = '\0';
  ASSERT_TRUE(write_file(path, bytes).ok());
  EXPECT_EQ(*read_file(path), bytes);
  ASSERT_TRUE(write_file(path, "new").ok());
  EXPECT_EQ(*read_file(path), "new");
  EXPECT_EQ(entries(), 1);
  ASSERT_TRUE(write_file(folder_ / "empty", "").ok());
  EXPECT_EQ(*read_file(folder_ / "empty"), "");
}

TEST_F(FileTest, ManySmallWritesKeepTheirOrder) {
  auto file = AtomicFile::create(folder_ / "n");
  ASSERT_TRUE(file.ok());
  std::string all;
  for (int i = 0; i < 100000; ++i) {
    const std::string piece = std::to_string(i) + "\n";
    all += piece;
    ASSERT_TRUE(file->write(piece).ok());
  }
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(*read_file(folder_ / "n"), all);
  EXPECT_FALSE(file->commit().ok());
}

TEST_F(FileTest, WithoutCommitNothingStays) {
  ASSERT_TRUE(write_file(folder_ / "a", "old").ok());
  {
    auto file = AtomicFile::create(folder_ / "a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write(std::string(1 << 20, 'y')).ok());
    EXPECT_EQ(entries(), 2);
  }
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(*read_file(folder_ / "a"), "old");
}

TEST_F(FileTest, ALibraryMayWriteTheTemporaryItself) {
  auto file = AtomicFile::create(folder_ / "a");
  ASSERT_TRUE(file.ok());
  std::FILE* out = std::fopen(file->temporary().c_str(), "wb");
  ASSERT_NE(out, nullptr);
  std::fputs("by a library", out);
  std::fclose(out);
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(*read_file(folder_ / "a"), "by a library");
}

TEST_F(FileTest, KeepsModeAndLinks) {
  ASSERT_TRUE(write_file(folder_ / "a", "old").ok());
  fs::permissions(folder_ / "a", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink(folder_ / "a", folder_ / "link");
  ASSERT_TRUE(write_file(folder_ / "link", "new").ok());
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(*read_file(folder_ / "a"), "new");
  EXPECT_EQ(fs::status(folder_ / "a").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(FileTest, Errors) {
  EXPECT_EQ(read_file(folder_ / "none").error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(folder_).error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(write_file(folder_ / "no" / "a", "x").error().code, ErrorCode::not_found);
  EXPECT_EQ(write_file(folder_, "x").error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(write_file("/dev/null", "x").error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(write_file(folder_ / std::string(300, 'n'), "x").error().code, ErrorCode::bad_parameter);
  EXPECT_TRUE(write_file(folder_ / std::string(255, 'n'), "x").ok());
  ASSERT_TRUE(write_file(folder_ / "a", "12345").ok());
  EXPECT_EQ(*read_file(folder_ / "a", 5), "12345");
  EXPECT_EQ(read_file(folder_ / "a", 4).error().code, ErrorCode::too_large);
  EXPECT_EQ(file_error(ENOSPC, "f", "cannot write").code, ErrorCode::no_disk);
  EXPECT_EQ(file_error(EACCES, "f", "cannot write").code, ErrorCode::denied);
  EXPECT_EQ(file_error(ENOSPC, "f", "cannot write").file, "f");
}

// A limit on the size of a file gives EFBIG where a full disk gives ENOSPC: both are no_disk. /dev/full gives ENOSPC itself.
TEST_F(FileTest, FullDiskLeavesTheOldFile) {
  const fs::path path = folder_ / "a";
  ASSERT_TRUE(write_file(path, "old").ok());
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto written = write_file(path, std::string(1 << 20, 'z'));
    _exit(!written.ok() && written.error().code == ErrorCode::no_disk ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(*read_file(path), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(FileTest, RealNoSpaceErrnoIsNoDisk) {
  std::FILE* full = std::fopen("/dev/full", "wb");
  if (full == nullptr) GTEST_SKIP() << "this system has no /dev/full";
  std::setvbuf(full, nullptr, _IONBF, 0);
  errno = 0;
  EXPECT_EQ(std::fputc('x', full), EOF);
  EXPECT_EQ(file_error(errno, "/dev/full", "cannot write").code, ErrorCode::no_disk);
  std::fclose(full);
}

// The child writes generation after generation of one letter each and is killed at a random moment. Whatever stands under
// the final name must be one whole generation; most kills must have come while a temporary file was there.
TEST_F(FileTest, KilledWhileWritingLeavesNoTornFile) {
  const fs::path path = folder_ / "state";
  const std::size_t length = 600000;
  Stream rng(9);
  int during = 0;
  for (int round = 0; round < 25; ++round) {
    ASSERT_TRUE(write_file(path, std::string(length, 'a')).ok());
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int generation = 1;; ++generation) {
        auto file = AtomicFile::create(path);
        if (!file.ok()) _exit(1);
        const std::string piece(1000, static_cast<char>('a' + generation % 26));
        for (std::size_t i = 0; i < length / piece.size(); ++i) {
          if (!file->write(piece).ok()) _exit(1);
          if (i == 300 && generation == 1 && write(ready[1], "g", 1) != 1) _exit(1);
        }
        if (!file->commit().ok()) _exit(1);
      }
    }
    char go = 0;
    ASSERT_EQ(read(ready[0], &go, 1), 1);  // the child is in the middle of its first generation
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(3000)));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    close(ready[0]);
    close(ready[1]);
    const auto bytes = read_file(path);
    ASSERT_TRUE(bytes.ok());
    ASSERT_EQ(bytes->size(), length);
    EXPECT_EQ(std::count(bytes->begin(), bytes->end(), bytes->front()), static_cast<std::ptrdiff_t>(length));
    during += entries() > 1 ? 1 : 0;
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path() != path) fs::remove(entry.path());
  }
  EXPECT_GE(during, 5) << "too few kills came while a file was being written";
}

}  // namespace
}  // namespace plimsoll
