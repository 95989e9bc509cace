package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// state is everything that the clouds know. POST /control takes an order.
type state struct {
	mutex      sync.Mutex
	google_    map[string]*googleKey
	azure_     map[string]*azureKey
	tokens     map[string]token
	next       []fault
	always     *fault
	delay      int
	cutOff     []string
	operations []string
	underWay   int
	most       int
}

type token struct {
	audience string
	expires  time.Time
}

// fault is what happens to a request in place of an answer.
type fault struct {
	// Status and Code: an error as the cloud words it.
	Status int    `json:"status"`
	Code   string `json:"code"`
	// Inner: Azure's inner error.
	Inner string `json:"inner"`
	// HangUp: no answer at all.
	HangUp bool `json:"hangUp"`
	// Corrupt: a bit of the answer's bytes is another, its checksum is not.
	Corrupt bool `json:"corrupt"`
	// Unverified: the request's checksums did not arrive.
	Unverified bool `json:"unverified"`
}

// order is what POST /control takes; every member may be left out.
type order struct {
	// Google and Azure: a key by name, and what to do with it: create, rotate,
	// disable, enable.
	Google map[string]string `json:"google"`
	Azure  map[string]string `json:"azure"`
	Next   []fault           `json:"next"`
	Always *fault            `json:"always"`
	Delay  *int              `json:"delay"`
	// CutOff: hosts that cannot be reached.
	CutOff []string `json:"cutOff"`
	// Calls: answer with the operations since the last time.
	Calls bool `json:"calls"`
	// Token: answer with a token for Azure's vaults.
	Token bool `json:"token"`
}

func newState() *state {
	return &state{google_: map[string]*googleKey{}, azure_: map[string]*azureKey{}, tokens: map[string]token{}}
}

func (s *state) control(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for name, what := range o.Google {
		s.orderGoogle(name, what)
	}
	for name, what := range o.Azure {
		s.orderAzure(name, what)
	}
	s.next = append(s.next, o.Next...)
	if o.Always != nil {
		s.always = o.Always
	}
	if o.Delay != nil {
		s.delay = *o.Delay
	}
	s.cutOff = append(s.cutOff, o.CutOff...)
	answer := map[string]any{}
	if o.Calls {
		answer["operations"], answer["most"] = append([]string{}, s.operations...), s.most
		s.operations, s.most = nil, 0
	}
	if o.Token {
		answer["token"] = s.issue("https://vault.azure.net")
	}
	body, _ := json.Marshal(answer)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body)
}

func (s *state) isCutOff(host string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, gone := range s.cutOff {
		if gone == host || strings.HasPrefix(gone, ".") && strings.HasSuffix(host, gone) {
			return true
		}
	}
	return false
}

// begin counts an operation and says what is to happen to it.
func (s *state) begin(operation string) *fault {
	s.mutex.Lock()
	s.operations = append(s.operations, operation)
	s.underWay++
	s.most = max(s.most, s.underWay)
	chosen, delay := s.always, s.delay
	if len(s.next) > 0 {
		chosen, s.next = &s.next[0], s.next[1:]
	}
	s.mutex.Unlock()
	sleep(delay)
	return chosen
}

func (s *state) end() {
	s.mutex.Lock()
	s.underWay--
	s.mutex.Unlock()
}

// login is OAuth 2.0 as both clouds have it: RFC 6749, sections 4.4 and 6, and
// RFC 7523 for a workload's own token.
func (s *state) login(w http.ResponseWriter, r *http.Request) {
	f := url.Values{}
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		// As Google's own libraries for Rust send it.
		fields := map[string]any{}
		json.NewDecoder(r.Body).Decode(&fields)
		for name, value := range fields {
			f.Set(name, fmt.Sprint(value))
		}
	} else if r.ParseForm() == nil {
		f = r.PostForm
	}
	audience := ""
	switch {
	case r.Host == "oauth2.googleapis.com" && f.Get("grant_type") == "refresh_token" && f.Get("refresh_token") == "a-refresh-token":
		audience = "google"
	case r.Host != "oauth2.googleapis.com" && f.Get("grant_type") == "client_credentials" &&
		(f.Get("client_secret") == "a-client-secret" || f.Get("client_assertion") == "a-workload-token"):
		audience = strings.TrimSuffix(f.Get("scope"), "/.default")
	}
	w.Header().Set("Content-Type", "application/json")
	if audience == "" {
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"invalid_grant","error_description":"the grant is expired or revoked"}`))
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	json.NewEncoder(w).Encode(map[string]any{
		"access_token": s.issue(audience), "token_type": "Bearer", "expires_in": 3599,
	})
}

func (s *state) issue(audience string) string {
	random := make([]byte, 16)
	rand.Read(random)
	text := hex.EncodeToString(random)
	s.tokens[text] = token{audience, time.Now().Add(time.Hour)}
	return text
}

// admits checks the bearer token.
func (s *state) admits(r *http.Request, audience string) bool {
	text, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known, there := s.tokens[text]
	return found && there && known.audience == audience && time.Now().Before(known.expires)
}

func hangUp(w http.ResponseWriter) {
	if connection, _, err := w.(http.Hijacker).Hijack(); err == nil {
		connection.Close()
	}
}
