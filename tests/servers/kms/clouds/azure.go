package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
)

// azureKey is an RSA key of a vault: its versions, of which the last is current.
type azureKey struct{ versions []*azureVersion }

type azureVersion struct {
	id       string
	key      *rsa.PrivateKey
	disabled bool
}

// orderAzure takes a key as VAULT/KEY.
func (s *state) orderAzure(name, what string) {
	key := s.azure_[name]
	if key == nil {
		key = &azureKey{}
		s.azure_[name] = key
	}
	switch what {
	case "create", "rotate":
		id := make([]byte, 16)
		rand.Read(id)
		secret, _ := rsa.GenerateKey(rand.Reader, 2048)
		key.versions = append(key.versions, &azureVersion{hex.EncodeToString(id), secret, false})
	case "disable", "enable":
		for _, version := range key.versions {
			version.disabled = what == "disable"
		}
	}
}

// azure answers POST /keys/KEY/VERSION/wrapkey and /unwrapkey; the version of
// wrapkey may be left out.
func (s *state) azure(w http.ResponseWriter, r *http.Request) {
	if !s.admits(r, "https://vault.azure.net") {
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001", resource="https://vault.azure.net"`)
		azureError(w, http.StatusUnauthorized, "Unauthorized", "", "AKV10000: Request is missing a Bearer or PoP token.")
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	operation := parts[len(parts)-1]
	fault := s.begin(operation)
	defer s.end()
	if fault != nil && fault.HangUp {
		hangUp(w)
		return
	}
	if fault != nil && fault.Status != 0 {
		azureError(w, fault.Status, fault.Code, fault.Inner, "by the fault of the test")
		return
	}
	vault, _, _ := strings.Cut(r.Host, ".")
	name := parts[1]
	s.mutex.Lock()
	key := s.azure_[vault+"/"+name]
	s.mutex.Unlock()
	version := key.version(strings.Trim(strings.Join(parts[2:len(parts)-1], ""), "/"))
	if version == nil {
		azureError(w, http.StatusNotFound, "KeyNotFound", "", "A key with (name/id) "+name+" was not found in this key vault.")
		return
	}
	if version.disabled {
		azureError(w, http.StatusForbidden, "Forbidden", "KeyDisabled", "Operation "+operation+" is not allowed on a disabled key.")
		return
	}
	var request struct{ Alg, Value string }
	value, err := []byte(nil), json.NewDecoder(r.Body).Decode(&request)
	if err == nil {
		value, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(request.Value, "="))
	}
	if err != nil || request.Alg != "RSA-OAEP-256" {
		azureError(w, http.StatusBadRequest, "BadParameter", "", "The request body is invalid.")
		return
	}
	var result []byte
	switch operation {
	case "wrapkey":
		result, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &version.key.PublicKey, value, nil)
	case "unwrapkey":
		result, err = rsa.DecryptOAEP(sha256.New(), nil, version.key, value, nil)
	default:
		azureError(w, http.StatusBadRequest, "BadParameter", "", "Method "+operation+" does not exist.")
		return
	}
	if err != nil {
		azureError(w, http.StatusBadRequest, "BadParameter", "", "The parameter is incorrect.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{
		"kid":   "https://" + r.Host + "/keys/" + name + "/" + version.id,
		"value": base64.RawURLEncoding.EncodeToString(result),
	})
}

// version finds one by its id; the empty id is the current one.
func (k *azureKey) version(id string) *azureVersion {
	if k == nil {
		return nil
	}
	if id == "" {
		return k.versions[len(k.versions)-1]
	}
	for _, version := range k.versions {
		if version.id == id {
			return version
		}
	}
	return nil
}

func azureError(w http.ResponseWriter, status int, code, inner, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	body := map[string]any{"code": code, "message": message}
	if inner != "" {
		body["innererror"] = map[string]any{"code": inner}
	}
	json.NewEncoder(w).Encode(map[string]any{"error": body})
}
