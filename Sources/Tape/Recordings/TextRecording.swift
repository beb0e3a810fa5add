import Compression

/// Lines of `<receive time, ns> <raw frame>`, plain or packed.
final class TextRecording {
  /// Book snapshots of five thousand levels take less than a hundredth of it.
  static let longestLine = 32 << 20

  /// The data end before their proper end; whole lines up to there were given.
  private(set) var isCut = false
  let path: String
  private let source: String
  private let from: Int64
  private let lines: LineReader
  private var waiting: [TapeRecord] = []
  private var next = 0

  init(_ path: String, source: String, from: Int64) throws(TapeError) {
    (self.path, self.source, self.from) = (path, source, from)
    do {
      lines = LineReader(try InputFile(path: path).unpacked(), longestLine: Self.longestLine)
    } catch {
      throw .unpacking(error)
    }
  }

  func nextRecord() throws(TapeError) -> TapeRecord? {
    while next == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      next = 0
      guard try fill() else { return nil }
      try lines.forEach { line throws(TapeError) in try read(line) }
      if lines.isTooLong { throw fault("", "a line has at most \(Self.longestLine) bytes", line: lines.line + 1) }
    }
    defer { next += 1 }
    return waiting[next]
  }

  private func fill() throws(TapeError) -> Bool {
    guard !isCut else { return false }
    do {
      return try lines.fill()
    } catch {
      guard case .truncated = error else { throw .unpacking(error) }
      isCut = true
      return false
    }
  }

  private func read(_ line: UnsafeBufferPointer<UInt8>) throws(TapeError) {
    guard let space = line.prefix(20).firstIndex(of: UInt8(ascii: " ")) else {
      throw fault(shown(line[...]), "a line is the time of receipt, one space and the frame")
    }
    guard let time = nanoseconds(line[..<space]) else {
      throw fault(shown(line[..<space]), "the time of receipt is in nanoseconds since 1970, between 2001 and 2200")
    }
    guard space + 1 < line.count else { throw fault(shown(line[...]), "a frame follows the time of receipt") }
    guard time >= from else { return }
    waiting.append(
      TapeRecord(arrivalNanoseconds: time, source: source, kind: .text, payload: Array(line[(space + 1)...])))
  }

  private func nanoseconds(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
    guard digits.count == 19 else { return nil }
    var value: Int64 = 0
    for byte in digits {
      guard (48...57).contains(byte) else { return nil }
      value = value &* 10 &+ Int64(byte &- 48)
    }
    return (1_000_000_000_000_000_000..<7_258_118_400_000_000_000).contains(value) ? value : nil
  }

  private func fault(_ value: String, _ rule: String, line: Int? = nil) -> TapeError {
    .badLine(file: path, line: line ?? lines.line, value: value, rule: rule)
  }

  /// At most 60 bytes, without what a terminal would obey.
  private func shown(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    let printable = text.prefix(60).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: printable, as: UTF8.self) + (text.count > 60 ? "…" : "")
  }
}
