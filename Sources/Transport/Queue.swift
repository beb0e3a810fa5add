/// First in, first out; both ends in constant time on average.
struct Queue<Element> {
  private var elements: [Element?] = []
  private var start = 0

  var isEmpty: Bool { start == elements.count }
  var count: Int { elements.count - start }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard start < elements.count else { return nil }
    defer {
      start += 1
      if start == elements.count {
        elements.removeAll(keepingCapacity: start <= 64)
        start = 0
      } else if start > 64, start * 2 > elements.count {
        elements.removeFirst(start)
        start = 0
      }
    }
    var element: Element?
    swap(&element, &elements[start])
    return element
  }
}
