internal import Market

/// The body of an `infer` request: JSON, and after it the bytes of those inputs that are sent in binary form.
struct InferenceRequest {
  static let mostRows = 1024
  private static let mostValues = 1 << 18

  private struct Tensor {
    var name = ""
    var shape: [Int] = []
    var datatype = ""
    var values: [Double] = []
    var hasData = false
    /// Bytes after the JSON that are its values.
    var binaryBytes: Int?
  }

  private(set) var id: String?
  private var inputs: [Tensor] = []
  private var outputs: [String]?

  /// - Parameter jsonBytes: how much of the body is JSON; all of it if not said.
  init(body: [UInt8], jsonBytes: Int?) throws(APIFailure) {
    let count = jsonBytes ?? body.count
    guard (0...body.count).contains(count) else {
      throw APIFailure(
        400, "bad_header", "Inference-Header-Content-Length is \(count), the body has \(body.count) bytes")
    }
    let result = body.withUnsafeBytes { bytes -> Result<InferenceRequest, APIFailure> in
      var (scanner, request) = (JSONScanner(UnsafeRawBufferPointer(rebasing: bytes[..<count])), self)
      do throws(APIFailure) {
        try request.read(&scanner)
        try request.takeBinary(UnsafeRawBufferPointer(rebasing: bytes[count...]))
        return .success(request)
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  // MARK: Reading

  private mutating func read(_ scanner: inout JSONScanner) throws(APIFailure) {
    try scanner.object { scanner, name throws(APIFailure) in
      switch name {
      case "id": id = try scanner.text()
      case "inputs":
        try scanner.array { scanner throws(APIFailure) in
          guard inputs.count < 16 else { throw Self.wrong("more than 16 inputs") }
          inputs.append(try Self.tensor(&scanner))
        }
      case "outputs": outputs = try Self.names(&scanner)
      case "parameters": try scanner.skip()
      default: throw Self.wrong("“\(name.shortened)” is none of id, inputs, outputs, parameters")
      }
    }
    try scanner.end()
  }

  private static func names(_ scanner: inout JSONScanner) throws(APIFailure) -> [String] {
    var names: [String] = []
    try scanner.array { scanner throws(APIFailure) in
      guard names.count < 16 else { throw wrong("more than 16 outputs") }
      try scanner.object { scanner, name throws(APIFailure) in
        if name == "name" { names.append(try scanner.text()) } else { try scanner.skip() }
      }
    }
    return names
  }

  private static func tensor(_ scanner: inout JSONScanner) throws(APIFailure) -> Tensor {
    var tensor = Tensor()
    try scanner.object { scanner, name throws(APIFailure) in
      switch name {
      case "name": tensor.name = try scanner.text()
      case "datatype": tensor.datatype = try scanner.text()
      case "shape":
        try scanner.array { scanner throws(APIFailure) in
          let number = try scanner.number()
          guard let size = Int(exactly: number), (0...mostValues).contains(size), tensor.shape.count < 4 else {
            throw wrong("a shape is up to four sizes")
          }
          tensor.shape.append(size)
        }
      case "data":
        tensor.hasData = true
        try data(&scanner, into: &tensor.values, depth: 0)
      case "parameters":
        try scanner.object { scanner, name throws(APIFailure) in
          guard name == "binary_data_size" else { return try scanner.skip() }
          let number = try scanner.number()
          guard let size = Int(exactly: number), (0...(8 * mostValues)).contains(size) else {
            throw wrong("binary_data_size is not a number of bytes")
          }
          tensor.binaryBytes = size
        }
      default: throw wrong("“\(name.shortened)” of an input is none of name, shape, datatype, parameters, data")
      }
    }
    return tensor
  }

  /// Flat, or nested as the shape is; null is for what is missing.
  private static func data(
    _ scanner: inout JSONScanner, into values: inout [Double], depth: Int
  ) throws(APIFailure) {
    try scanner.array { scanner throws(APIFailure) in
      if scanner.peek == UInt8(ascii: "[") {
        guard depth < 3 else { throw wrong("data is nested deeper than any shape") }
        return try data(&scanner, into: &values, depth: depth + 1)
      }
      guard values.count < mostValues else { throw wrong("more than \(mostValues) values") }
      values.append(try scanner.isNull() ? .nan : scanner.number())
    }
  }

  private mutating func takeBinary(_ bytes: UnsafeRawBufferPointer) throws(APIFailure) {
    var offset = 0
    for index in inputs.indices {
      guard let count = inputs[index].binaryBytes else { continue }
      guard !inputs[index].hasData, offset + count <= bytes.count else {
        throw Self.wrong("\(inputs[index].name.shortened): \(count) bytes are announced, and are not there")
      }
      inputs[index].values = try Self.values(
        UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)]), inputs[index].datatype)
      offset += count
    }
    guard offset == bytes.count else { throw Self.wrong("\(bytes.count - offset) bytes belong to no input") }
  }

  /// Little-endian, as the protocol has them.
  private static func values(_ bytes: UnsafeRawBufferPointer, _ datatype: String) throws(APIFailure) -> [Double] {
    let width = datatype == "FP64" ? 8 : 4
    guard bytes.count.isMultiple(of: width) else { throw wrong("\(bytes.count) bytes are no \(datatype.shortened)") }
    return stride(from: 0, to: bytes.count, by: width).map { offset in
      width == 8
        ? Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        : Double(
          Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
    }
  }

  // MARK: What it asks

  func outputs(of known: [String]) throws(APIFailure) -> [String] {
    guard let outputs, !outputs.isEmpty else { return known }
    if let stray = outputs.first(where: { !known.contains($0) }) {
      throw Self.wrong("there is no output “\(stray.shortened)”; there are \(known.joined(separator: ", "))")
    }
    return outputs
  }

  /// One question for each row of the features.
  func rows(of target: PredictionTarget, width: Int, _ schema: FeatureSchema) throws(APIFailure) -> [VectorQuestion] {
    let known = target.isWindow ? ["features", "window"] : ["features"]
    if let stray = inputs.first(where: { !known.contains($0.name) }) {
      throw Self.wrong("there is no input “\(stray.name.shortened)”; expected \(known.joined(separator: " and "))")
    }
    guard inputs.count == known.count, Set(inputs.map(\.name)).count == known.count else {
      throw Self.wrong("expected the inputs \(known.joined(separator: " and ")), each once")
    }
    let features = try matrix("features", width: width)
    let windows = target.isWindow ? try matrix("window", width: 2) : nil
    let count = features.count / width
    if let windows, windows.count != 2 * count {
      throw Self.wrong("\(windows.count / 2) windows for \(count) rows of features")
    }
    var questions: [VectorQuestion] = []
    for row in 0..<count {
      var question = VectorQuestion(
        features: features[(row * width)..<((row + 1) * width)].map { Float($0) }, target: target)
      if let windows {
        question.window = try VectorQuestion.window(
          minutesLeft: windows[2 * row], moveBasisPoints: windows[2 * row + 1])
      }
      questions.append(question)
    }
    return questions
  }

  private func matrix(_ name: String, width: Int) throws(APIFailure) -> [Double] {
    guard let tensor = inputs.first(where: { $0.name == name }) else { return [] }
    guard tensor.datatype == "FP32" || tensor.datatype == "FP64" else {
      throw Self.wrong("\(name) is \(tensor.datatype.shortened); expected FP32 or FP64")
    }
    guard tensor.shape.count == 2, tensor.shape[1] == width, (1...Self.mostRows).contains(tensor.shape[0]) else {
      throw Self.wrong("\(name) has the shape \(tensor.shape); expected [1…\(Self.mostRows), \(width)]")
    }
    guard tensor.values.count == tensor.shape[0] * width else {
      throw Self.wrong("\(name) has \(tensor.values.count) values; its shape says \(tensor.shape[0] * width)")
    }
    return tensor.values
  }

  private static func wrong(_ message: String) -> APIFailure { APIFailure(422, "wrong_inputs", message) }
}
