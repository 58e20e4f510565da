// Map and reduce over engines: each holds part of a text, counts its words, and hands its counts to another by reference.
#include <distob/distob.h>

#include <cctype>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

class Counter {
 public:
  explicit Counter(std::vector<std::string> lines) : lines_(std::move(lines)) {}

  /// Counts the words of the lines; returns how many different ones there are.
  std::size_t count() {
    for (const auto& line : lines_) {
      std::string word;
      for (const char c : line + ' ') {
        if (std::isalpha(static_cast<unsigned char>(c))) {
          word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        } else if (!word.empty()) {
          ++counts_[std::exchange(word, {})];
        }
      }
    }
    return counts_.size();
  }
  [[nodiscard]] const std::map<std::string, long>& counts() const { return counts_; }
  /// Adds what another counter found, wherever it is.
  void add(distob::Remote<Counter> other) {
    for (const auto& [word, times] : other.call<&Counter::counts>()) counts_[word] += times;
  }
  [[nodiscard]] long times(const std::string& word) const {
    const auto found = counts_.find(word);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  std::vector<std::string> lines_;
  std::map<std::string, long> counts_;
};

int main(int argc, char** argv) {
  distob::Cluster cluster(argc, argv);
  const std::vector<std::string> verse = {"An object at rest stays at rest", "an object that moves goes on moving",
                                          "unless a call from elsewhere", "reaches the object and changes it"};
  constexpr int kParts = 8;
  std::vector<distob::Remote<Counter>> counters;
  for (int part = 0; part < kParts; ++part) {
    std::vector<std::string> lines;
    for (int i = 0; i < 500; ++i) lines.push_back(verse[static_cast<std::size_t>(part + i) % verse.size()]);
    counters.push_back(cluster.create<Counter>(lines));  // made in the engine: a Counter itself cannot travel
  }
  distob::call_all<&Counter::count>(counters);

  // Pairs are added in parallel, then pairs of pairs.
  for (std::size_t distance = 1; distance < counters.size(); distance *= 2) {
    std::vector<distob::Future<void>> additions;
    for (std::size_t i = 0; i + distance < counters.size(); i += 2 * distance)
      additions.push_back(counters[i].async<&Counter::add>(counters[i + distance]));
    distob::get_all(std::move(additions));
  }
  const long objects = counters[0].call<&Counter::times>("object");
  std::printf("\"object\" occurs %ld times, \"call\" %ld times\n", objects, counters[0].call<&Counter::times>("call"));
  return objects == kParts * 500 * 3 / 4 ? 0 : 1;
}
