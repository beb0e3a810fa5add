internal import CYAML

/// Reads one YAML document (so JSON too) through libyaml's events.
///
/// Only what a configuration needs: scalars are text, keys are scalars; anchors, aliases, tags and second documents are
/// refused. Size and depth are bounded.
package enum YAMLParser {
  package static let largestBytes = 1 << 20
  package static let deepestNesting = 16

  /// `nil` for a text without a document.
  package static func parse(_ text: String) throws(YAMLError) -> YAMLNode? {
    let bytes = Array(text.utf8)
    guard bytes.count <= largestBytes else {
      throw YAMLError(
        line: 1, problem: "\(bytes.count) bytes are too many for a configuration, \(largestBytes) at most")
    }
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<YAMLNode?, YAMLError> in
      var events = YAMLEvents(buffer)
      defer { events.close() }
      do throws(YAMLError) {
        return .success(try document(&events))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  private static func document(_ events: inout YAMLEvents) throws(YAMLError) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try events.next()
      switch event.kind {
      case .streamStart, .documentEnd: continue
      case .streamEnd: return root
      case .documentStart:
        guard root == nil else { throw YAMLError(line: event.line, problem: "a second document is not read") }
        root = try node(try events.next(), depth: 0, &events)
      default:
        throw YAMLError(line: event.line, problem: "not a document")
      }
    }
  }

  private static func node(_ event: YAMLEvents.Event, depth: Int, _ events: inout YAMLEvents) throws(YAMLError)
    -> YAMLNode
  {
    guard depth < deepestNesting else {
      throw YAMLError(line: event.line, problem: "nested deeper than \(deepestNesting) levels")
    }
    switch event.kind {
    case .scalar(let text):
      return YAMLNode(content: .scalar(text), line: event.line)
    case .sequenceStart:
      return YAMLNode(content: .sequence(try items(depth: depth, &events)), line: event.line)
    case .mappingStart:
      return YAMLNode(content: .mapping(try pairs(depth: depth, &events)), line: event.line)
    case .decorated(let what):
      throw YAMLError(line: event.line, problem: "\(what) are not read")
    default:
      throw YAMLError(line: event.line, problem: "a value is missing")
    }
  }

  private static func items(depth: Int, _ events: inout YAMLEvents) throws(YAMLError) -> [YAMLNode] {
    var items: [YAMLNode] = []
    while true {
      let event = try events.next()
      if event.kind == .sequenceEnd { return items }
      items.append(try node(event, depth: depth + 1, &events))
    }
  }

  private static func pairs(depth: Int, _ events: inout YAMLEvents) throws(YAMLError) -> [YAMLNode.Pair] {
    var pairs: [YAMLNode.Pair] = []
    var seen: Set<String> = []
    while true {
      let event = try events.next()
      if event.kind == .mappingEnd { return pairs }
      guard case .scalar(let key) = event.kind else { throw YAMLError(line: event.line, problem: "a key must be text") }
      guard seen.insert(key).inserted else { throw YAMLError(line: event.line, problem: "\(key) stands here twice") }
      pairs.append(YAMLNode.Pair(key: key, value: try node(try events.next(), depth: depth + 1, &events)))
    }
  }
}

/// libyaml's parser over a buffer that outlives it. `close` must be called once.
private struct YAMLEvents {
  struct Event {
    let kind: Kind
    let line: Int
  }

  enum Kind: Equatable {
    case streamStart, streamEnd, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart, mappingEnd
    case scalar(String)
    case decorated(String)
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>

  init(_ text: UnsafeBufferPointer<UInt8>) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    precondition(yaml_parser_initialize(parser) == 1, "libyaml has no memory")
    yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  func close() {
    yaml_parser_delete(parser)
    parser.deallocate()
  }

  mutating func next() throws(YAMLError) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
    defer { yaml_event_delete(&event) }
    return Event(kind: kind(of: event), line: event.start_mark.line + 1)
  }

  private var failure: YAMLError {
    let state = parser.pointee
    let problem = state.problem.map { String(cString: $0) } ?? "not YAML"
    return YAMLError(line: state.problem_mark.line + 1, problem: problem)
  }

  private func kind(of event: yaml_event_t) -> Kind {
    switch event.type {
    case YAML_STREAM_START_EVENT: .streamStart
    case YAML_STREAM_END_EVENT: .streamEnd
    case YAML_DOCUMENT_START_EVENT: .documentStart
    case YAML_DOCUMENT_END_EVENT: .documentEnd
    case YAML_SEQUENCE_START_EVENT:
      decoration(event.data.sequence_start.anchor, event.data.sequence_start.tag) ?? .sequenceStart
    case YAML_SEQUENCE_END_EVENT: .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      decoration(event.data.mapping_start.anchor, event.data.mapping_start.tag) ?? .mappingStart
    case YAML_MAPPING_END_EVENT: .mappingEnd
    case YAML_SCALAR_EVENT: scalar(event)
    case YAML_ALIAS_EVENT: .decorated("aliases (*name)")
    default: .streamEnd
    }
  }

  private func scalar(_ event: yaml_event_t) -> Kind {
    let scalar = event.data.scalar
    if let decoration = decoration(scalar.anchor, scalar.tag) { return decoration }
    let bytes = UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length))
    let text = String(decoding: bytes, as: UTF8.self)
    let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
    return .scalar(isPlain && (text == "~" || text == "null") ? "" : text)
  }

  private func decoration(_ anchor: UnsafePointer<UInt8>?, _ tag: UnsafePointer<UInt8>?) -> Kind? {
    if anchor != nil { return .decorated("anchors (&name)") }
    if tag != nil { return .decorated("tags (!name)") }
    return nil
  }
}
