#include <distob/cluster.h>
struct Shape {
  virtual ~Shape() = default;
};
void send(distob::Writer& out, const std::unique_ptr<Shape>& shape) { distob::encode(out, shape); }
