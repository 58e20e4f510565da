#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "distob/errors.h"
#include "wire/messages_generated.h"

namespace distob::wire {
namespace {

constexpr std::uint32_t kMagic = 0x30316264;  // "db10": also tells a peer of the other byte order
constexpr std::size_t kHeader = 8;
constexpr std::uint8_t kLastStatus = 7;
constexpr std::size_t kMaxChain = 10000;

struct Header {
  std::uint32_t length;
  std::uint16_t files;
  std::uint16_t check;  ///< kMagic mixed with the other two, so that bytes out of step are seen at once
};

std::uint16_t check_of(std::uint32_t length, std::uint16_t files) {
  const std::uint32_t mixed = (kMagic ^ length) * 2654435761u + files;
  return static_cast<std::uint16_t>(mixed >> 16);
}

std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

// --- Values to FlatBuffers ----------------------------------------------------------------------------------------

using Flat = flatbuffers::FlatBufferBuilder;

fb::CommandId flat(const CommandId& id) { return {id.number, id.session.value}; }
fb::ObjectId flat(const ObjectId& id) { return {id.sequence, id.creator.value, id.owner.value, id.index}; }
fb::Count flat(const Count& count) { return {flat(count.object), count.count}; }

template <class Struct, class T>
flatbuffers::Offset<flatbuffers::Vector<const Struct*>> flat(Flat& out, const std::vector<T>& values) {
  if (values.empty()) return 0;
  Struct* to = nullptr;
  const auto offset = out.CreateUninitializedVectorOfStructs<Struct>(values.size(), &to);
  for (std::size_t i = 0; i < values.size(); ++i) to[i] = flat(values[i]);
  return offset;
}

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> flat(Flat& out, const Bytes& bytes) {
  if (bytes.empty()) return 0;
  return out.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

flatbuffers::Offset<flatbuffers::String> flat(Flat& out, const std::string& text) {
  return text.empty() ? 0 : out.CreateString(text);
}

using Files = std::vector<std::shared_ptr<const UniqueFd>>;

flatbuffers::Offset<flatbuffers::Vector<const fb::Buffer*>> flat(Flat& out, const std::vector<SharedBuffer>& buffers,
                                                                 Files& files) {
  if (buffers.empty()) return 0;
  std::vector<fb::Buffer> to;
  for (const auto& buffer : buffers) {
    auto found = std::find(files.begin(), files.end(), buffer.file);
    if (found == files.end()) found = files.insert(files.end(), buffer.file);
    to.emplace_back(buffer.offset, buffer.size, buffer.memory, static_cast<std::uint32_t>(found - files.begin()));
  }
  return out.CreateVectorOfStructs(to);
}

/// Each returns the offset of its body's table.
struct Encoder {
  Flat& out;
  Files& files;

  auto operator()(const Hello& m) { return fb::CreateHello(out, m.version, m.pid).Union(); }
  auto operator()(const Welcome& m) {
    return fb::CreateWelcome(out, m.engine.value, m.session.value, m.client_pid).Union();
  }
  auto operator()(const Command& m) {
    const auto id = flat(m.id);
    const auto target = flat(m.target);
    const auto payload = flat(out, m.payload);
    const auto references = flat<fb::ObjectId>(out, m.references);
    const auto buffers = flat(out, m.buffers, files);
    const auto chain = flat<fb::CommandId>(out, m.chain);
    const auto label = flat(out, m.label);
    return fb::CreateCommand(out, &id, m.sequence, m.target ? &target : nullptr, payload, references, buffers,
                             m.results, chain, label, m.order)
        .Union();
  }
  auto operator()(const Reply& m) {
    const auto id = flat(m.command);
    const auto payload = flat(out, m.payload);
    const auto references = flat<fb::ObjectId>(out, m.references);
    const auto buffers = flat(out, m.buffers, files);
    const auto kept = flat<fb::ObjectId>(out, m.kept);
    const auto loans = flat(out, m.loans);
    return fb::CreateReply(out, &id, m.status, m.results_stored, payload, references, buffers, kept, loans,
                           m.wants_receipt)
        .Union();
  }
  auto operator()(const Receipt& m) {
    const auto id = flat(m.command);
    return fb::CreateReceipt(out, &id).Union();
  }
  auto operator()(const Release& m) { return fb::CreateRelease(out, flat<fb::Count>(out, m.counts)).Union(); }
  auto operator()(const Register& m) { return fb::CreateRegister(out, flat<fb::ObjectId>(out, m.objects)).Union(); }
  auto operator()(const Registered& m) {
    const auto objects = flat<fb::ObjectId>(out, m.objects);
    return fb::CreateRegistered(out, objects, flat<fb::ObjectId>(out, m.gone)).Union();
  }
  auto operator()(const Cancel& m) {
    const auto id = flat(m.command);
    return fb::CreateCancel(out, &id, m.status, flat(out, m.text)).Union();
  }
  auto operator()(const Waits& m) {
    std::vector<flatbuffers::Offset<fb::Wait>> waits;
    for (const Wait& wait : m.waits) {
      std::vector<flatbuffers::Offset<fb::Group>> groups;
      for (const auto& group : wait.all) groups.push_back(fb::CreateGroup(out, flat<fb::CommandId>(out, group)));
      const auto id = flat(wait.command);
      const auto label = flat(out, wait.label);
      waits.push_back(fb::CreateWait(out, &id, wait.parked, wait.order, label, out.CreateVector(groups)));
    }
    return fb::CreateWaits(out, out.CreateVector(waits), m.cancels).Union();
  }
  auto operator()(const Watch& m) { return fb::CreateWatch(out, m.on).Union(); }
  auto operator()(const Gone& m) { return fb::CreateGone(out, m.session.value, flat(out, m.text)).Union(); }
};

// The union's tags are the variant's indices plus one (0 is "none").
static_assert(static_cast<std::size_t>(fb::Body::MAX) == std::variant_size_v<Body>);

// --- FlatBuffers to values ----------------------------------------------------------------------------------------

[[noreturn]] void refuse(const char* what) { throw ProtocolError(std::string("a message was refused: ") + what); }

// The verifier vouches for the bounds of a struct, not for its alignment, which damage may have shifted.
template <class Struct>
Struct aligned(const Struct* at) {
  Struct copy;
  std::memcpy(static_cast<void*>(&copy), static_cast<const void*>(at), sizeof copy);
  return copy;
}

CommandId value(const fb::CommandId& id) { return {SessionId{id.session()}, id.number()}; }
ObjectId value(const fb::ObjectId& id) {
  return {SessionId{id.creator()}, EngineId{id.owner()}, id.sequence(), id.index()};
}
Count value(const fb::Count& count) { return {value(count.object()), count.count()}; }
CommandId needed(const fb::CommandId* id) {
  if (!id) refuse("it names no command");
  return value(aligned(id));
}
std::uint8_t status(std::uint8_t number) {
  if (number > kLastStatus) refuse("it has an unknown status");
  return number;
}

template <class T, class Struct>
std::vector<T> values(const flatbuffers::Vector<const Struct*>* from) {
  std::vector<T> to;
  if (!from) return to;
  to.reserve(from->size());
  for (const Struct* each : *from) to.push_back(value(aligned(each)));
  return to;
}

Bytes value(const flatbuffers::Vector<std::uint8_t>* from) {
  if (!from) return {};
  const auto* bytes = reinterpret_cast<const std::byte*>(from->data());
  return {bytes, bytes + from->size()};
}

std::string value(const flatbuffers::String* from) { return from ? from->str() : std::string(); }

std::vector<SharedBuffer> buffers(const flatbuffers::Vector<const fb::Buffer*>* from,
                                  std::span<const Files::value_type> files) {
  std::vector<SharedBuffer> to;
  if (!from) return to;
  for (const fb::Buffer* each : *from) {
    const fb::Buffer buffer = aligned(each);
    if (buffer.file() >= files.size()) refuse("it names a descriptor that did not come with it");
    if (buffer.offset() + buffer.size() < buffer.offset()) refuse("a buffer is larger than any memory");
    to.push_back({files[buffer.file()], buffer.offset(), buffer.size(), buffer.memory()});
  }
  return to;
}

Command decode(const fb::Command& m, std::span<const Files::value_type> files) {
  Command to;
  to.id = needed(m.id());
  to.sequence = m.sequence();
  if (m.target()) to.target = value(aligned(m.target()));
  to.payload = value(m.payload());
  to.references = values<ObjectId>(m.references());
  to.buffers = buffers(m.buffers(), files);
  to.results = m.results();
  to.chain = values<CommandId>(m.chain());
  if (to.chain.size() > kMaxChain) refuse("its call chain is too long");
  to.label = value(m.label());
  to.order = m.order();
  return to;
}

Reply decode(const fb::Reply& m, std::span<const Files::value_type> files) {
  Reply to;
  to.command = needed(m.command());
  to.status = status(m.status());
  to.results_stored = m.results_stored();
  to.payload = value(m.payload());
  to.references = values<ObjectId>(m.references());
  to.buffers = buffers(m.buffers(), files);
  to.kept = values<ObjectId>(m.kept());
  to.loans = value(m.loans());
  to.wants_receipt = m.wants_receipt();
  return to;
}

Waits decode(const fb::Waits& m) {
  Waits to;
  to.cancels = m.cancels();
  if (!m.waits()) return to;
  for (const fb::Wait* each : *m.waits()) {
    Wait wait{needed(each->command()), each->parked(), each->order(), value(each->label()), {}};
    if (each->all()) {
      for (const fb::Group* group : *each->all()) wait.all.push_back(values<CommandId>(group->any()));
    }
    to.waits.push_back(std::move(wait));
  }
  return to;
}

Body decode(const fb::Message& message, std::span<const Files::value_type> files) {
  switch (message.body_type()) {
    case fb::Body::Hello: {
      const auto& m = *message.body_as_Hello();
      return Hello{m.version(), m.pid()};
    }
    case fb::Body::Welcome: {
      const auto& m = *message.body_as_Welcome();
      return Welcome{EngineId{m.engine()}, SessionId{m.session()}, m.client_pid()};
    }
    case fb::Body::Command: return decode(*message.body_as_Command(), files);
    case fb::Body::Reply: return decode(*message.body_as_Reply(), files);
    case fb::Body::Receipt: return Receipt{needed(message.body_as_Receipt()->command())};
    case fb::Body::Release: return Release{values<Count>(message.body_as_Release()->counts())};
    case fb::Body::Register: return Register{values<ObjectId>(message.body_as_Register()->objects())};
    case fb::Body::Registered: {
      const auto& m = *message.body_as_Registered();
      return Registered{values<ObjectId>(m.objects()), values<ObjectId>(m.gone())};
    }
    case fb::Body::Cancel: {
      const auto& m = *message.body_as_Cancel();
      return Cancel{needed(m.command()), status(m.status()), value(m.text())};
    }
    case fb::Body::Waits: return decode(*message.body_as_Waits());
    case fb::Body::Watch: return Watch{message.body_as_Watch()->on()};
    case fb::Body::Gone: {
      const auto& m = *message.body_as_Gone();
      return Gone{SessionId{m.session()}, value(m.text())};
    }
    case fb::Body::NONE: break;
  }
  refuse("its kind is unknown");
}

}  // namespace

// --- Outgoing -----------------------------------------------------------------------------------------------------

struct Outgoing::Builder {
  Flat flat{1024};
};

Outgoing::Outgoing() : builder_(std::make_unique<Builder>()) {}
Outgoing::~Outgoing() = default;
Outgoing::Outgoing(Outgoing&&) noexcept = default;
Outgoing& Outgoing::operator=(Outgoing&&) noexcept = default;

void Outgoing::append(const Message& message) {
  Flat& out = builder_->flat;
  out.Clear();
  Files files;
  const auto body = std::visit(Encoder{out, files}, message.body);
  const auto tag = static_cast<fb::Body>(message.body.index() + 1);
  out.Finish(fb::CreateMessage(out, message.source.value, message.destination.value, tag, body));
  if (files.size() > kMaxFiles) throw ValueError("a call takes at most 250 shared buffers of different memory");
  if (out.GetSize() > kMaxBody) throw ValueError("a message is larger than 256 MiB; pass large values out of band");

  const std::uint32_t length = out.GetSize();
  const auto count = static_cast<std::uint16_t>(files.size());
  const Header header{length, count, check_of(length, count)};
  const std::size_t at = bytes_.size();
  bytes_.resize(at + kHeader + padded(length));
  std::memcpy(&bytes_[at], &header, kHeader);
  std::memcpy(&bytes_[at + kHeader], out.GetBufferPointer(), length);
  if (count) files_.push_back({at, std::move(files)});
}

Outgoing::Piece Outgoing::next() const {
  const std::span<const std::byte> all(bytes_);
  if (files_.empty()) return {all.subspan(sent_), {}};
  const Attached& first = files_.front();
  if (first.at > sent_) return {all.subspan(sent_, first.at - sent_), {}};
  const std::size_t end = files_.size() > 1 ? files_[1].at : bytes_.size();
  return {all.subspan(sent_, end - sent_), first.files};
}

void Outgoing::sent(std::size_t count) {
  if (count && !files_.empty() && files_.front().at == sent_) files_.pop_front();
  sent_ += count;
  if (sent_ == bytes_.size()) {
    bytes_.clear();
    sent_ = 0;
    if (bytes_.capacity() > (1u << 20)) bytes_.shrink_to_fit();
  } else if (sent_ > (1u << 20) && sent_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_));
    for (auto& each : files_) each.at -= sent_;
    sent_ = 0;
  }
}

// --- Incoming -----------------------------------------------------------------------------------------------------

std::span<std::byte> Incoming::room(std::size_t size) {
  auto* bytes = reinterpret_cast<std::byte*>(words_.data());
  if (begin_ == end_) begin_ = end_ = 0;
  if (words_.size() * 8 - end_ < size) {
    if (end_ > begin_)
      std::memmove(bytes, bytes + begin_, end_ - begin_);  // begin_ is a multiple of 8: what moves stays aligned
    end_ -= begin_;
    begin_ = 0;
    if (words_.size() * 8 - end_ < size) words_.resize(std::max((end_ + size) / 8 + 1, words_.size() * 3 / 2));
    bytes = reinterpret_cast<std::byte*>(words_.data());
  }
  return {bytes + end_, words_.size() * 8 - end_};
}

bool Incoming::next(Message& message) {
  const std::size_t available = end_ - begin_;
  if (available < kHeader) return false;
  const auto* bytes = reinterpret_cast<const std::byte*>(words_.data()) + begin_;
  Header header;
  std::memcpy(&header, bytes, kHeader);
  if (header.check != check_of(header.length, header.files)) refuse("the peer does not speak distob's protocol");
  if (header.length > limit_) refuse("it is longer than a message may be");
  if (header.files > kMaxFiles) refuse("it has more descriptors than a message may have");
  const std::size_t whole = kHeader + padded(header.length);
  if (available < whole) return false;
  if (files_.size() < header.files) refuse("its descriptors are missing");

  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes + kHeader), header.length, 32,
                                 1'000'000'000);
  if (!verifier.VerifyBuffer<fb::Message>()) refuse("its contents are damaged");
  const fb::Message& root = *flatbuffers::GetRoot<fb::Message>(bytes + kHeader);
  if (root.body_type() != fb::Body::NONE && !root.body()) refuse("it is empty");

  const Files files(files_.begin(), files_.begin() + header.files);
  files_.erase(files_.begin(), files_.begin() + header.files);
  message.source = SessionId{root.source()};
  message.destination = SessionId{root.destination()};
  message.body = decode(root, files);
  begin_ += whole;
  return true;
}

}  // namespace distob::wire
