package import Compression
internal import Crypto

/// Writes an object container file to a sink, block by block, with no more than a block in memory.
///
/// The same schema, metadata and records give the same bytes: what stands between the blocks is a digest of the header
/// and not drawn by chance.
package final class AvroWriter {
  /// A block is ended when it has so many bytes or records.
  private static let usualBlock = 1 << 17
  private static let usualCount = 1 << 16

  package private(set) var records = 0
  private let sink: any ByteSink
  private let name: String
  private let packing: PackedBlock?
  private let sync: [UInt8]
  private var block: AvroEncoder
  private var blockCount = 0

  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - metadata: of the header; names that begin with `avro.` are the format's own.
  package init(
    _ sink: any ByteSink, name: String, schema: AvroSchema, codec: AvroCodec,
    metadata: [(name: String, value: String)] = []
  ) throws(AvroError) {
    (self.sink, self.name, packing, block) = (sink, name, codec.packing, AvroEncoder(schema))
    let entries =
      [(AvroFile.schemaKey, schema.text), (AvroFile.codecKey, codec.rawValue)] + metadata.map { ($0.name, $0.value) }
    var header = AvroFile.magic
    AvroEncoder.append(Int64(entries.count), to: &header)
    for text in entries.flatMap({ [$0.0, $0.1] }) {
      AvroEncoder.append(Int64(text.utf8.count), to: &header)
      header += Array(text.utf8)
    }
    AvroEncoder.append(0, to: &header)
    var hash = SHA256()
    hash.update(header)
    sync = Array(hash.digest().prefix(AvroFile.syncLength))
    try put(header + sync)
  }

  package func append(_ record: AvroValue) throws(AvroError) {
    let start = block.bytes.count
    do { try block.add(record) } catch { throw .badValue(file: name, reason: error.reason) }
    guard block.bytes.count - start <= AvroFile.largestBlock - Self.usualBlock else {
      throw .badValue(file: name, reason: "a record has \(block.bytes.count - start) bytes")
    }
    blockCount += 1
    records += 1
    if block.bytes.count >= Self.usualBlock || blockCount >= Self.usualCount { try endBlock() }
  }

  /// Nothing may be appended afterwards.
  package func finish() throws(AvroError) { try endBlock() }

  private func endBlock() throws(AvroError) {
    guard blockCount > 0 else { return }
    let packed: [UInt8]
    do throws(CompressionError) { packed = try packing?.encode(block.bytes) ?? block.bytes } catch {
      throw .unpacking(error)
    }
    var head: [UInt8] = []
    AvroEncoder.append(Int64(blockCount), to: &head)
    AvroEncoder.append(Int64(packed.count), to: &head)
    try put(head + packed + sync)
    block.clear()
    blockCount = 0
  }

  private func put(_ bytes: [UInt8]) throws(AvroError) {
    do throws(CompressionError) { try sink.write(bytes[...]) } catch { throw .unpacking(error) }
  }
}
