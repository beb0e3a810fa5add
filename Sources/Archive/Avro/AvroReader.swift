package import Compression

/// Reads an object container file from front to back, with no more than a block in memory.
package final class AvroReader {
  /// A batch is ended when it has so many records or values.
  private static let batchRecords = 1024
  private static let batchValues = 1 << 16

  /// As the writer had it.
  package let schema: AvroSchema
  /// Of the header, by name.
  package let metadata: [String: [UInt8]]
  /// Given out so far.
  package private(set) var records = 0
  private let input: AvroInput
  private let plan: AvroPlan
  private let codec: AvroCodec
  private let sync: [UInt8]
  private var decoder: AvroDecoder
  private var blockOffset = 0
  private var blockRest: Int64 = 0

  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - wanted: the schema of the values; not given: the writer's.
  package init(_ source: any ByteSource, name: String, as wanted: AvroSchema? = nil) throws(AvroError) {
    input = AvroInput(source, name: name)
    guard try input.take(upTo: AvroFile.magic.count) == AvroFile.magic else { throw .notAvro(file: name) }
    metadata = try input.header()
    sync = try input.take(AvroFile.syncLength)
    let codecName = metadata[AvroFile.codecKey].map { String(decoding: $0, as: UTF8.self) } ?? "null"
    guard let codec = AvroCodec(rawValue: codecName) else {
      throw .unknownCodec(file: name, codec: String(codecName.prefix(40)))
    }
    self.codec = codec
    do throws(AvroFault) {
      guard let text = metadata[AvroFile.schemaKey] else { throw AvroFault("the header has none") }
      schema = try AvroSchema(text)
    } catch {
      throw .badSchema(file: name, reason: error.reason)
    }
    do throws(AvroFault) { plan = try AvroResolver.plan(schema, as: wanted) } catch {
      throw .otherSchema(file: name, reason: error.reason)
    }
    decoder = AvroDecoder([], plan, budget: AvroDecoder.largestRecord)
  }

  package var name: String { input.name }

  /// Bytes of the file taken so far.
  package var bytesRead: Int { input.offset }

  /// The text of an entry of the header.
  package func text(_ key: String) -> String? { metadata[key].map { String(decoding: $0, as: UTF8.self) } }

  /// The next records, at least one; `nil` at the proper end of the file.
  package func next() throws(AvroError) -> [AvroValue]? {
    while blockRest == 0 {
      guard try !input.isAtEnd() else { return nil }
      try beginBlock()
    }
    var batch: [AvroValue] = []
    let budget = decoder.budget
    do throws(AvroFault) {
      while blockRest > 0, batch.count < Self.batchRecords, budget - decoder.budget < Self.batchValues {
        batch.append(try decoder.record())
        blockRest -= 1
      }
      guard blockRest > 0 || decoder.isAtEnd else { throw AvroFault("more bytes than records are in a block") }
    } catch {
      throw damaged(error.reason)
    }
    records += batch.count
    return batch
  }

  private func beginBlock() throws(AvroError) {
    blockOffset = input.offset
    let count = try input.long()
    let length = try input.long()
    guard count >= 0 else { throw damaged("a block of \(count) records") }
    guard (0...Int64(AvroFile.largestBlock)).contains(length) else { throw damaged("a block of \(length) bytes") }
    let packed = try input.take(Int(length))
    guard try input.take(AvroFile.syncLength) == sync else {
      throw damaged("the mark behind the block is not that of the header")
    }
    let bytes = try unpacked(packed)
    guard count > 0 || bytes.isEmpty else { throw damaged("a block of no records has \(bytes.count) bytes") }
    // Every byte may stand for some values; what takes no bytes at all is bounded for the whole file.
    let budget = decoder.budget + 64 * (bytes.count + AvroFile.syncLength)
    decoder = AvroDecoder(bytes, plan, budget: budget)
    blockRest = count
  }

  private func unpacked(_ packed: [UInt8]) throws(AvroError) -> [UInt8] {
    guard let packing = codec.packing else { return packed }
    do throws(CompressionError) {
      return try packing.decode(packed, name: name, limitBytes: AvroFile.largestBlock)
    } catch {
      switch error {
      case .tooLarge(_, let limit): throw damaged("a block unpacks to more than \(limit) bytes")
      case .truncated: throw damaged("a block's \(codec.rawValue) data end too early")
      default: throw .unpacking(error)
      }
    }
  }

  private func damaged(_ reason: String) -> AvroError {
    .damaged(file: name, offset: blockOffset, reason: reason)
  }
}

extension AvroReader {
  /// A file, which may be packed as a whole.
  package convenience init(path: String, name: String, as wanted: AvroSchema? = nil) throws(AvroError) {
    let source: any ByteSource
    do throws(CompressionError) { source = try InputFile(path: path).unpacked() } catch { throw .unpacking(error) }
    try self.init(source, name: name, as: wanted)
  }
}
