package cloudbackup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/credentials-go/credentials"

	"backup-statistics/handler/fault"
	"backup-statistics/report"
)

// maxAnswerBytes bounds an answer: a real one has a line for each of some forty
// regions, or for each of a hundred accounts.
const maxAnswerBytes = 4 << 20

// A Service is where and as whom the calls of one service are made. It may be
// used by many at once if its Credential may.
type Service struct {
	// Endpoint is an origin, such as https://hbr.cn-hangzhou.aliyuncs.com; http
	// on loopback only.
	Endpoint string
	// Credential signs the calls; it is asked once for each attempt.
	Credential credentials.Credential
	// Web sends them; nil: [http.DefaultClient]. Its CheckRedirect is not asked.
	Web *http.Client
	// UserAgent ends the header of that name; empty: backup-statistics.
	UserAgent string

	// Attempts is how often a call is tried at most; 0: 6.
	Attempts int
	// Pause is the mean wait after the first try; it doubles up to 5 s; 0: 200 ms.
	Pause time.Duration
	// AttemptTimeout limits one attempt; 0: a quarter of what is left until the
	// deadline, at least 1 s and at most 10 s.
	AttemptTimeout time.Duration
}

// A Client asks Cloud Backup (HBR, version 2017-09-08) with the credentials of
// one account.
type Client Service

// Statistics asks for what the account protects now, in all regions, of a source
// type such as ECS_FILE. An answer that leaves a doubt is an error: the caller
// writes down what is returned here, and can't ask for it again tomorrow.
func (c *Client) Statistics(ctx context.Context, sourceType string) (report.Statistics, error) {
	var statistics report.Statistics
	err := (*Service)(c).call(ctx, operation{
		action: "GetBasicStatistics", version: "2017-09-08",
		query: map[string]string{"SourceType": sourceType},
	}, func(answer node) (err error) {
		statistics, err = decodeStatistics(answer, sourceType)
		return err
	})
	return statistics, err
}

// An operation is one call of an RPC API.
type operation struct {
	action, version string
	query           map[string]string
	secret          bool     // the answer holds secrets: no text of it is shown
	hidden          []string // what is not shown either, besides the credential
	patient         bool     // it waits for a service that throttles as long as there is time
}

// call makes a call until decode accepts what was answered.
func (s *Service) call(ctx context.Context, op operation, decode func(node) error) error {
	host, scheme, err := s.origin()
	if err != nil {
		return fmt.Errorf("%s: %w", op.action, err)
	}
	return s.retry(ctx, op.action, func(ctx context.Context) *failure {
		key, err := s.key()
		if err != nil {
			return &failure{err: fmt.Errorf("%s: credentials: %w", op.action, err)}
		}
		say := newSpeech(op, key)
		a, err := s.send(ctx, host, scheme, key, op)
		if err != nil {
			return say.unsent(ctx, err)
		}
		if a.status/100 != 2 {
			return say.refused(a)
		}
		top, err := parse(a.body, op.secret)
		if err != nil {
			return say.unreadable(a, err)
		}
		_, err = top.text("RequestId") // whatever else the service says
		if err == nil {
			err = decode(top)
		}
		if err != nil {
			return say.unusable(a, err)
		}
		return nil
	})
}

// origin takes the endpoint apart. It is checked here as well as in the
// configuration: the token must not travel in the clear, whoever calls.
func (s *Service) origin() (host, scheme string, err error) {
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return "", "", errors.New("endpoint is not usable: want an origin, such as https://hbr.cn-hangzhou.aliyuncs.com; http on loopback only")
	}
	return u.Host, u.Scheme, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// key asks for the credential of one attempt. An incomplete one is refused
// before it is sent, as the service would only call the signature wrong.
func (s *Service) key() (*credentials.CredentialModel, error) {
	if s.Credential == nil {
		return nil, errors.New("none given: want a key")
	}
	key, err := s.Credential.GetCredential()
	switch {
	case err != nil:
		// A provider's error may hold a signed URL, and with it the token.
		return nil, fmt.Errorf("provider %q gives none: want a key", dara.StringValue(s.Credential.GetType()))
	case key == nil || dara.StringValue(key.AccessKeyId) == "" || dara.StringValue(key.AccessKeySecret) == "":
		return nil, errors.New("the key id or its secret is empty: want both")
	case dara.StringValue(key.Type) == "sts" && dara.StringValue(key.SecurityToken) == "":
		return nil, errors.New("the security token is empty: want the one that was issued with the key")
	}
	return key, nil
}

// send makes one request through a client of its own: the core's clients race
// when they are shared.
func (s *Service) send(ctx context.Context, host, scheme string, key *credentials.CredentialModel, op operation) (answer, error) {
	sender := newSender(s.Web)
	client, err := openapi.NewClient(&openapiutil.Config{
		Credential: fixed{s.Credential, key},
		Endpoint:   &host,
		Protocol:   &scheme,
		UserAgent:  dara.String(cmp.Or(s.UserAgent, "backup-statistics")),
		// The core reads proxies for its own transport, which is not used, and
		// would put their password into the request.
		NoProxy:    &host,
		HttpClient: sender,
	})
	if err != nil {
		return answer{}, err
	}
	_, err = client.CallApiWithCtx(ctx, &openapiutil.Params{
		Action: &op.action, Version: &op.version, Protocol: &scheme,
		Method: dara.String("GET"), Pathname: dara.String("/"), Style: dara.String("RPC"),
		AuthType: dara.String("AK"), ReqBodyType: dara.String("formData"), BodyType: dara.String("string"),
	}, &openapiutil.OpenApiRequest{Query: pointers(op.query)}, &dara.RuntimeOptions{})
	return sender.answer, err
}

func pointers(m map[string]string) map[string]*string {
	p := make(map[string]*string, len(m))
	for name, value := range m {
		p[name] = &value
	}
	return p
}

// fixed is a credential that does not change between what is signed and what is
// kept out of the errors.
type fixed struct {
	credentials.Credential
	key *credentials.CredentialModel
}

// GetCredential returns the key that it was made with.
func (f fixed) GetCredential() (*credentials.CredentialModel, error) { return f.key, nil }

// An answer is what came back, whatever it was.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// A sender sends one request and keeps its answer from the core, which loses the
// status of what it can't read and takes a refusal with status 200 for success.
type sender struct {
	web    http.Client
	answer answer
}

func newSender(web *http.Client) *sender {
	s := &sender{web: *cmp.Or(web, http.DefaultClient)}
	s.web.CheckRedirect = func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // another host would receive the security token
	}
	return s
}

// Call sends the request with the client's own transport. What it returns only
// satisfies the core.
func (s *sender) Call(r *http.Request, _ *http.Transport) (_ *http.Response, err error) {
	if s.answer, err = s.fetch(r); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

var (
	errCutShort = errors.New("answer cut short")
	errTooLarge = fmt.Errorf("answer is larger than %d bytes: want less", maxAnswerBytes)
)

func (s *sender) fetch(r *http.Request) (answer, error) {
	response, err := s.web.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("no answer: %w", fault.OnTheWay(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("%w after %d bytes: %w", errCutShort, len(body), fault.OnTheWay(err))
	case len(body) > maxAnswerBytes:
		return answer{}, errTooLarge
	}
	return answer{response.StatusCode, response.Header, body}, nil
}
