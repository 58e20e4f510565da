#include "memory/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "distob/errors.h"
#include "memory/pool.h"
#include "memory/storage.h"

namespace distob::memory {
namespace {

TEST(SizeClass, HoldsWhatItNamesAndWastesAQuarterAtTheMost) {
  std::uint32_t last = 0;
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 40); bytes += 1 + bytes / 7) {
    const std::uint32_t size_class = SizeClass::of(bytes);
    ASSERT_GE(SizeClass::bytes(size_class), bytes);
    ASSERT_GE(size_class, last);
    if (bytes > 512) {
      ASSERT_LT(SizeClass::bytes(size_class) * 4, bytes * 5);
    }
    if (size_class > 0) {
      ASSERT_LT(SizeClass::bytes(size_class - 1), bytes);
    }
    last = size_class;
  }
}

TEST(Memory, IsAlignedAndWritableForEverySize) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{8000}, std::size_t{131072}, std::size_t{131073},
        std::size_t{2000000}, std::size_t{2097152}, std::size_t{5000001}}) {
    const MemoryPtr memory = Memory::allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->data()) % 64, 0u);
    EXPECT_EQ(memory->size(), bytes);
    if (bytes > 0) {
      memory->data()[0] = 1;
      memory->data()[bytes - 1] = 2;
    }
  }
}

TEST(Memory, IsReusedWarm) {
  for (const std::size_t bytes : {std::size_t{8000}, std::size_t{8000000}}) {
    const char* first = nullptr;
    {
      const MemoryPtr memory = Memory::allocate(bytes);
      first = memory->data();
    }
    const MemoryPtr again = Memory::allocate(bytes - 10);
    EXPECT_EQ(again->data(), first);
  }
}

TEST(Memory, NoTwoLivingBlocksShareAByte) {
  std::vector<MemoryPtr> blocks;
  for (int i = 0; i < 200; ++i) {
    blocks.push_back(Memory::allocate(static_cast<std::size_t>(1 + i * i * 37)));
    std::memset(blocks.back()->data(), i, blocks.back()->size());
    if (i % 5 == 4) blocks.erase(blocks.begin() + i / 10);
  }
  for (const MemoryPtr& block : blocks) {
    const char value = block->data()[0];
    for (std::size_t i = 0; i < block->size(); ++i) ASSERT_EQ(block->data()[i], value);
  }
}

TEST(Memory, AccountsForEveryLivingByte) {
  const Usage before = usage();
  {
    const MemoryPtr small = Memory::allocate(100), large = Memory::allocate(3000000),
                    shared = Memory::allocate_shared(5000);
    const Usage during = usage();
    EXPECT_EQ(during.live_bytes - before.live_bytes, 3005100);
    EXPECT_EQ(during.live_blocks - before.live_blocks, 3);
    EXPECT_EQ(during.shared_bytes - before.shared_bytes, 5000);
    // Released by another thread than the one that allocated it.
    std::thread([moved = small]() mutable { moved = nullptr; }).join();
  }
  const Usage after = usage();
  EXPECT_EQ(after.live_bytes, before.live_bytes);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.shared_bytes, before.shared_bytes);
}

TEST(Memory, RetainsABoundedAmountAndGivesTheOldestBack) {
  trim(0);
  set_retention(20'000'000);
  {
    const MemoryPtr a = Memory::allocate(9'000'000), b = Memory::allocate(5'000'000), c = Memory::allocate(14'000'000);
  }
  EXPECT_LE(usage().retained_bytes, 20'000'000);
  EXPECT_GT(usage().retained_bytes, 0);
  EXPECT_GT(trim(0), 0);
  EXPECT_EQ(usage().retained_bytes, 0);
  set_retention(default_memory_limit() / 4);
}

TEST(Memory, SurvivesThreadsThatAllocateAndReleaseEachOthersBlocks) {
  const Usage before = usage();
  std::vector<MemoryPtr> exchange[2];
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&mine = exchange[t], round] {
        mine.clear();  // what the other one made in the last round
        for (int i = 0; i < 100; ++i)
          mine.push_back(Memory::allocate(static_cast<std::size_t>(64 << (i % 14)) + static_cast<std::size_t>(round)));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::swap(exchange[0], exchange[1]);
  }
  exchange[0].clear();
  exchange[1].clear();
  EXPECT_EQ(usage().live_bytes, before.live_bytes);
}

TEST(Memory, PinsAreCountedApartFromOwners) {
  MemoryPtr memory = Memory::allocate(10);
  EXPECT_FALSE(memory->pinned());
  {
    Pin pin(memory);
    EXPECT_TRUE(memory->pinned());
    Pin moved = std::move(pin);
    EXPECT_TRUE(memory->pinned());
  }
  EXPECT_FALSE(memory->pinned());
}

TEST(Memory, RefusesWhatNoMachineHas) { EXPECT_THROW((void)Memory::allocate(std::size_t{1} << 60), MemoryError); }

TEST(SharedSegment, IsSeenByWhoeverHasItsDescriptor) {
  const auto segment = SharedSegment::create(10000);
  std::memcpy(segment->data(), "hello", 6);
  const auto other = SharedSegment::from_descriptor(dup(segment->descriptor()), 10000);
  EXPECT_STREQ(other->data(), "hello");
  other->data()[0] = 'j';
  EXPECT_STREQ(segment->data(), "jello");
  EXPECT_EQ(SharedSegment::create(0)->size(), 0u);
}

TEST(SharedSegment, RefusesOneThatCouldBeCutOrIsTooSmall) {
  const int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(ftruncate(unsealed, 4096), 0);
  EXPECT_THROW((void)SharedSegment::from_descriptor(unsealed, 4096), ProtocolError);
  EXPECT_LT(fcntl(unsealed, F_GETFD), 0) << "the descriptor must not leak";
  const auto segment = SharedSegment::create(100);
  EXPECT_THROW((void)SharedSegment::from_descriptor(dup(segment->descriptor()), 100000), ProtocolError);
  EXPECT_NE(ftruncate(segment->descriptor(), 1), 0);
}

TEST(Storage, CanBeGivenOtherMemory) {
  const StoragePtr storage = Storage::create(Memory::allocate(100));
  std::memset(storage->data(), 7, 100);
  const MemoryPtr shared = move_to_shared(*storage);
  EXPECT_TRUE(storage->memory()->shared());
  EXPECT_EQ(storage->data()[99], 7);
  EXPECT_EQ(move_to_shared(*storage).get(), shared.get());
  const MemoryPtr before = storage->set_memory(Memory::allocate(100));
  EXPECT_EQ(before.get(), shared.get());
  EXPECT_FALSE(storage->memory()->shared());
  EXPECT_NE(storage->id(), Storage::create(1)->id());
}

TEST(Storage, CountsHandlesApartFromOwners) {
  const StoragePtr storage = Storage::create(8);
  storage->add_handle();
  storage->add_handle();
  EXPECT_FALSE(storage->drop_handle());
  EXPECT_TRUE(storage->drop_handle());
  EXPECT_EQ(storage->owners(), 1u);
}

TEST(Storage, TakesItsAttachmentAndReservationWithIt) {
  struct Watched : Attachment {
    explicit Watched(bool& gone) : gone_(gone) {}
    ~Watched() override { gone_ = true; }
    bool& gone_;
  };
  bool gone = false;
  Budget budget(1000);
  {
    const StoragePtr storage = Storage::create(600);
    storage->attachment = std::make_unique<Watched>(gone);
    storage->reservation = budget.reserve(600);
    EXPECT_EQ(budget.used(), 600);
    EXPECT_THROW((void)budget.reserve(401), MemoryError);
    EXPECT_EQ(budget.used(), 600) << "a refused reservation takes nothing";
  }
  EXPECT_TRUE(gone);
  EXPECT_EQ(budget.used(), 0);
}

TEST(Budget, SaysWhatWasAskedWhatIsUsedAndWhatToDo) {
  Budget budget(4'000'000'000);
  const Reservation used = budget.reserve(3'200'000'000);
  try {
    (void)budget.reserve(800'000'001);
    FAIL();
  } catch (const MemoryError& error) {
    EXPECT_STREQ(
        error.what(),
        "no room for an array of 800.0 MB: arrays use 3.2 GB of the limit of 4.0 GB; delete arrays that are no longer "
        "needed, work on parts, or set DISTOB_MEMORY_LIMIT");
  }
}

TEST(Budget, NeverGoesOverWithManyThreads) {
  Budget budget(1000);
  std::vector<std::thread> threads;
  std::atomic<int> over{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        Reservation first, second;
        if (budget.try_reserve(400, first) && budget.try_reserve(400, second) && first.bytes() + second.bytes() > 1000)
          ++over;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(over, 0);
  EXPECT_EQ(budget.used(), 0);
}

TEST(Budget, ReadsSizesAsPeopleWriteThem) {
  EXPECT_EQ(parse_size("6GB"), 6'000'000'000);
  EXPECT_EQ(parse_size("1.5GiB"), 1610612736);
  EXPECT_EQ(parse_size(" 512 M "), 512'000'000);
  EXPECT_EQ(parse_size("4096"), 4096);
  for (const char* wrong : {"", "GB", "-1", "6 XB", "6GBB", "nan", "1e30"})
    EXPECT_THROW((void)parse_size(wrong), ValueError) << wrong;
  EXPECT_GT(default_memory_limit(), 0);
}

}  // namespace
}  // namespace distob::memory
