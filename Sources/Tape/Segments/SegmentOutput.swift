import Crypto
internal import Glibc

/// A segment being written. Every block goes out in one piece; a piece that fails is taken back.
final class SegmentOutput {
  let path: String
  let startNanoseconds: Int64
  private(set) var size: Int
  private let descriptor: Int32
  private var footer: SegmentFooter
  private var hash: SHA256?

  /// A new file with its header in it.
  init(folder: String, name: SegmentName, startNanoseconds: Int64) throws(TapeError) {
    self.startNanoseconds = startNanoseconds
    path = folder + "/" + name.text
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    (size, footer) = (0, SegmentFooter())
    hash = SHA256()
    guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: Self.lastReason) }
    do {
      try write(SegmentHeader(sequence: name.sequence, startNanoseconds: startNanoseconds).bytes)
    } catch {
      unlink(path)
      throw error
    }
  }

  /// An unclosed segment up to where its whole blocks end; what is behind them is cut off.
  init(
    cutting path: String, at size: Int, footer: SegmentFooter, hash: consuming SHA256
  ) throws(TapeError) {
    (self.path, self.size, self.footer, startNanoseconds) = (path, size, footer, footer.earliest)
    self.hash = consume hash
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0, ftruncate(descriptor, size) == 0 else {
      throw .cannotWrite(path: path, reason: Self.lastReason)
    }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  func write(_ block: BlockHeader, _ bytes: [UInt8]) throws(TapeError) {
    try write(bytes)
    footer.count(block)
  }

  /// Writes the footer; nothing may be written afterwards.
  func close(isSynced: Bool) throws(TapeError) {
    guard let digest = hash.take()?.digest() else { return }
    footer.digest = digest
    try write(footer.bytes)
    if isSynced { try sync() }
  }

  func sync() throws(TapeError) {
    guard fdatasync(descriptor) == 0 else { throw .cannotWrite(path: path, reason: Self.lastReason) }
  }

  private func write(_ bytes: [UInt8]) throws(TapeError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        pwrite(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written, size + written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        let reason = Self.lastReason
        ftruncate(descriptor, size)
        throw .cannotWrite(path: path, reason: reason)
      }
    }
    size += bytes.count
    hash?.update(bytes)
  }

  private static var lastReason: String { String(cString: strerror(errno)) }
}
