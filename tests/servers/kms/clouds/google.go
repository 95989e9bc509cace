package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// googleKey is a symmetric CryptoKey: its versions, of which the last is primary.
type googleKey struct {
	versions []cipher.AEAD
	disabled []bool
}

func (s *state) orderGoogle(name, what string) {
	key := s.google_[name]
	if key == nil {
		key = &googleKey{}
		s.google_[name] = key
	}
	switch what {
	case "create", "rotate":
		secret := make([]byte, 32)
		rand.Read(secret)
		block, _ := aes.NewCipher(secret)
		gcm, _ := cipher.NewGCM(block)
		key.versions, key.disabled = append(key.versions, gcm), append(key.disabled, false)
	case "disable", "enable":
		for i := range key.disabled {
			key.disabled[i] = what == "disable"
		}
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(bytes []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(bytes, castagnoli)))
}

// differs says whether a checksum was sent and is not that of the bytes.
func differs(sent *wrapperspb.Int64Value, bytes []byte) bool {
	return sent != nil && sent.Value != sum(bytes).Value
}

// google answers POST /v1/KEY:encrypt and :decrypt in proto3's JSON mapping.
func (s *state) google(w http.ResponseWriter, r *http.Request) {
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/"), ":")
	if !s.admits(r, "google") {
		googleError(w, http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		return
	}
	fault := s.begin(operation)
	defer s.end()
	if fault != nil && fault.HangUp {
		hangUp(w)
		return
	}
	if fault != nil && fault.Status != 0 {
		googleError(w, fault.Status, fault.Code, "by the fault of the test")
		return
	}
	s.mutex.Lock()
	key := s.google_[name]
	s.mutex.Unlock()
	if key == nil {
		googleError(w, http.StatusNotFound, "NOT_FOUND", "CryptoKey "+name+" not found.")
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch operation {
	case "encrypt":
		key.encrypt(w, name, body, fault)
	case "decrypt":
		key.decrypt(w, body, fault)
	default:
		googleError(w, http.StatusNotFound, "NOT_FOUND", "Method not found.")
	}
}

func (k *googleKey) encrypt(w http.ResponseWriter, name string, body []byte, fault *fault) {
	var request kmspb.EncryptRequest
	if err := protojson.Unmarshal(body, &request); err != nil {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return
	}
	aad := request.AdditionalAuthenticatedData
	if differs(request.PlaintextCrc32C, request.Plaintext) || differs(request.AdditionalAuthenticatedDataCrc32C, aad) {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "The checksum did not match the data.")
		return
	}
	primary := len(k.versions) - 1
	if k.disabled[primary] {
		googleError(w, http.StatusBadRequest, "FAILED_PRECONDITION", "The primary version is not enabled, current state is: DISABLED.")
		return
	}
	// The version, the nonce, the ciphertext.
	sealed := binary.BigEndian.AppendUint32(nil, uint32(primary))
	nonce := make([]byte, 12)
	rand.Read(nonce)
	sealed = k.versions[primary].Seal(append(sealed, nonce...), nonce, request.Plaintext, aad)
	unverified := fault != nil && fault.Unverified
	answer := &kmspb.EncryptResponse{
		Name: name, Ciphertext: sealed, CiphertextCrc32C: sum(sealed),
		VerifiedPlaintextCrc32C:                   request.PlaintextCrc32C != nil && !unverified,
		VerifiedAdditionalAuthenticatedDataCrc32C: request.AdditionalAuthenticatedDataCrc32C != nil && !unverified,
	}
	if fault != nil && fault.Corrupt {
		answer.Ciphertext[20] ^= 1
	}
	googleAnswer(w, answer)
}

func (k *googleKey) decrypt(w http.ResponseWriter, body []byte, fault *fault) {
	var request kmspb.DecryptRequest
	if err := protojson.Unmarshal(body, &request); err != nil {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return
	}
	sealed, aad := request.Ciphertext, request.AdditionalAuthenticatedData
	if differs(request.CiphertextCrc32C, sealed) || differs(request.AdditionalAuthenticatedDataCrc32C, aad) {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", "The checksum did not match the data.")
		return
	}
	invalid := "Decryption failed: the ciphertext is invalid."
	if len(sealed) < 16 || binary.BigEndian.Uint32(sealed) >= uint32(len(k.versions)) {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", invalid)
		return
	}
	version := binary.BigEndian.Uint32(sealed)
	if k.disabled[version] {
		googleError(w, http.StatusBadRequest, "FAILED_PRECONDITION", "The version is not enabled, current state is: DISABLED.")
		return
	}
	plaintext, err := k.versions[version].Open(nil, sealed[4:16], sealed[16:], aad)
	if err != nil {
		googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", invalid)
		return
	}
	answer := &kmspb.DecryptResponse{Plaintext: plaintext, PlaintextCrc32C: sum(plaintext)}
	if fault != nil && fault.Corrupt {
		answer.Plaintext[0] ^= 1
	}
	googleAnswer(w, answer)
}

func googleAnswer(w http.ResponseWriter, message proto.Message) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := protojson.Marshal(message)
	w.Write(body)
}

// googleError is google.rpc.Status in JSON: AIP-193.
func googleError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{
		"error": map[string]any{"code": status, "message": message, "status": code},
	})
}
