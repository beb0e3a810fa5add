import Crypto
import Market
import Testing

@testable import Cloud

struct RequestSignerTests {
  private static func signer(_ secret: String, _ region: String, _ service: String, key: String = "AKIDEXAMPLE") throws
    -> RequestSigner
  {
    RequestSigner(
      try CloudCredentials(accessKeyId: key, secretAccessKey: Secret(secret)), region: region, service: service)
  }

  private struct Vector: Decodable {
    let method, path, query, payloadHash, secret, accessKey, region, service: String
    let canonicalRequest, stringToSign, signedHeaders, signature, authorization: String
    let headers: [String: String]
  }

  @Test func `the published vectors come out step by step`() throws {
    let vectors: [Vector] = try Fixture.json("sigv4_vectors.json")
    #expect(vectors.count == 4)
    for vector in vectors {
      let query = vector.query.split(separator: "&").map { pair in
        let parts = pair.split(separator: "=")
        return CloudRequest.Parameter(String(parts[0]), String(parts[1]))
      }
      let canonical = CanonicalRequest(
        method: vector.method, path: vector.path, query: query,
        headers: vector.headers.map { ($0.key, $0.value) }, payloadHash: vector.payloadHash)
      #expect(canonical.text == vector.canonicalRequest)
      #expect(canonical.signedHeaders == vector.signedHeaders)
      let date = try #require(vector.headers["x-amz-date"])
      let time = try #require(Self.time(date))
      #expect(time.signingText == date)
      let signer = try Self.signer(vector.secret, vector.region, vector.service, key: vector.accessKey)
      #expect(signer.stringToSign(canonical, at: time) == vector.stringToSign)
      #expect(signer.signature(of: canonical, at: time) == vector.signature)
      #expect(signer.authorization(of: canonical, at: time) == vector.authorization)
    }
  }

  @Test func `the documented signing key comes out`() throws {
    let signer = try Self.signer("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam")
    let time = try #require(Timestamp("2015-08-30T12:36:00Z"))
    #expect(
      signer.signingKey(at: time).hexadecimal == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9")
  }

  private struct Signed: Decodable {
    let method, service, region, host, path, body, time, authorization: String
    let query, headers: [[String]]
    let token: String?
  }

  @Test func `botocore signs the same for odd paths, queries, headers and tokens`() throws {
    let cases: [Signed] = try Fixture.json("signatures.json")
    #expect(cases.count == 60)
    for example in cases {
      let credentials = try CloudCredentials(
        accessKeyId: "AKIDEXAMPLE", secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        sessionToken: example.token.map { Secret($0) })
      let request = CloudRequest(
        method: example.method, path: example.path, query: example.query.map { .init($0[0], $0[1]) },
        headers: example.headers.map { ($0[0], $0[1]) }, body: Array(example.body.utf8))
      let signer = RequestSigner(credentials, region: example.region, service: example.service)
      let time = try #require(Timestamp(example.time))
      let headers = signer.headers(for: request, host: example.host, at: time)
      #expect(headers.last?.value == example.authorization, "\(example.method) \(example.path)")
      #expect(headers.contains { $0.name == "X-Amz-Security-Token" } == (example.token != nil))
    }
  }

  @Test func `no description shows a secret`() throws {
    let credentials = try CloudCredentials(
      accessKeyId: "AKIDEXAMPLE", secretAccessKey: Secret("sesame"), sessionToken: Secret("token-text"))
    let access = try CloudAccess(credentials: credentials, region: "eu-central-1")
    var dumped = ""
    dump(RequestSigner(credentials, region: "a", service: "s3"), to: &dumped)
    for text in ["\(credentials)", "\(access)", dumped] {
      #expect(!text.contains("sesame") && !text.contains("token-text"))
    }
  }

  private static func time(_ text: String) -> Timestamp? {
    let digits = Array(text)
    guard digits.count == 16 else { return nil }
    func part(_ range: Range<Int>) -> String { String(digits[range]) }
    return Timestamp(
      "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z")
  }
}
