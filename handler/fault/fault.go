// Package fault says what it means when a service refuses, breaks down or is not
// there: whether the same request may succeed a little later, what the cause most
// likely is, and what to do about it.
//
// It is one table for OSS, Cloud Backup, STS and the resource directory, so that a
// code means the same wherever it comes from. It makes no request, keeps nothing,
// and knows neither a document nor a setting's value.
package fault

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// How many more tries a failure is worth.
const (
	Never  = 0
	Once   = 1
	Always = math.MaxInt // within the caller's patience
)

// A Cause is why a request failed, as .docs/faults.md names it. "" is one that is not
// known.
type Cause string

// The causes.
const (
	Busy         Cause = "busy"
	Clock        Cause = "clock"
	Name         Cause = "name"
	Unreachable  Cause = "unreachable"
	Certificate  Cause = "certificate"
	Stranger     Cause = "stranger"
	Region       Cause = "region"
	Bucket       Cause = "bucket"
	Credentials  Cause = "credentials"
	Role         Cause = "role"
	Debt         Cause = "debt"
	NotActivated Cause = "not activated"
	Encryption   Cause = "encryption"
	Immutable    Cause = "immutable"
	Archived     Cause = "archived"
	Unknown      Cause = "unknown call"
	Policy       Cause = "policy"
)

// causes lists what is to be done about each cause.
var causes = []struct {
	Cause
	advice string
}{
	{Busy, "wait: the retry of Function Compute, or {} on the same day, takes what is missing"},
	{Clock, "put this machine's clock right: a signature holds for 15 minutes"},
	{Name, "the endpoint's name does not resolve: mend its spelling or its region, or the network's name server"},
	{Unreachable, "nobody answers there: mend the endpoint, or the function's network (VPC, security group); another endpoint of the service may be reachable"},
	{Certificate, "somebody else answers, or this machine's certificates are old: mend the endpoint, or what stands between"},
	{Stranger, "what answered is not the service, or was spoiled on its way: look at the endpoint, and at a proxy or gateway between"},
	{Region, "set OSS_REGION to the bucket's region, and OSS_ENDPOINT to an endpoint of it"},
	{Bucket, "create the bucket, or mend OSS_BUCKET"},
	{Credentials, "the keys are not accepted: invoke again, which brings new ones; if it stays, see whether the role still exists, and OSS_REGION is the bucket's"},
	{Role, "mend the role's name, or create it in that account"},
	{Debt, "settle the account's bill, or have it unlocked"},
	{NotActivated, "activate the service in that account"},
	{Encryption, "activate KMS and let the role use the bucket's key, or take another encryption for the bucket"},
	{Immutable, "use a bucket without a retention policy: what is derived changes every day"},
	{Archived, "restore the objects (ossutil restore), and take the snapshots out of the lifecycle rule that archives them"},
	{Unknown, "the endpoint does not know this call: mend the endpoint, or SOURCE_TYPES"},
	{Policy, "mend the role's policy: see Deploy"},
}

// Advice is what to do about a cause; "" where it is not known.
func (c Cause) Advice() string {
	for _, of := range causes {
		if of.Cause == c {
			return of.advice
		}
	}
	return ""
}

// A meaning is a row of the table of codes.
type meaning struct {
	code  string
	cause Cause
	again int
	// quotes tells that the message of this code repeats what was signed, and with
	// it perhaps the security token: it is not shown.
	quotes bool
}

// codes lists the codes that the services document, by cause. A code stands for
// those that continue it after a dot, unless they are listed themselves. What is not
// listed does not pass, and has no known cause.
var codes = []meaning{
	{code: "InternalError", cause: Busy, again: Always},
	{code: "ServiceUnavailable", cause: Busy, again: Always},
	{code: "EcsClientError", cause: Busy, again: Always},
	{code: "AccessVaultFail", cause: Busy, again: Always},
	{code: "RequestTimeout", cause: Busy, again: Always}, // the body did not arrive
	{code: "QpsLimitExceeded", cause: Busy, again: Always},
	{code: "TotalQpsLimitExceeded", cause: Busy, again: Always},
	{code: "MetaOperationQpsLimitExceeded", cause: Busy, again: Always},
	{code: "ActiveRequestLimitExceeded", cause: Busy, again: Always},
	{code: "UploadTrafficRateLimitExceeded", cause: Busy, again: Always},
	{code: "DownloadTrafficRateLimitExceeded", cause: Busy, again: Always},
	{code: "Throttling", cause: Busy, again: Always}, // wherever it stands in a code
	// net/http sends a GET again on a new connection when the old one is gone, with
	// the same nonce; the next try has another.
	{code: "SignatureNonceUsed", cause: Busy, again: Always},

	{code: "InvalidDigest", cause: Stranger, again: Once}, // altered on the way to the service
	{code: "BadDigest", cause: Stranger, again: Once},

	{code: "RequestTimeTooSkewed", cause: Clock},
	{code: "InvalidTimeStamp", cause: Clock},

	{code: "PermanentRedirect", cause: Region},
	{code: "InvalidArgument", cause: Region}, // the signature's region is the one argument that a deployment can get wrong
	{code: "NonStandardHostForbidden", cause: Region},

	{code: "NoSuchBucket", cause: Bucket},
	{code: "InvalidBucketName", cause: Bucket},
	{code: "BucketNotBelongTo", cause: Bucket},

	{code: "InvalidAccessKeyId", cause: Credentials, quotes: true},
	{code: "InvalidSecurityToken", cause: Credentials, quotes: true},
	{code: "SecurityTokenExpired", cause: Credentials, quotes: true},
	{code: "AccessKeyIdAndSecurityTokenNotMatch", cause: Credentials, quotes: true},
	{code: "SignatureDoesNotMatch", cause: Credentials, quotes: true},
	{code: "IncompleteSignature", cause: Credentials, quotes: true},

	{code: "EntityNotExist.Role", cause: Role},
	{code: "RoleNotExist", cause: Role},

	{code: "InDebt", cause: Debt},
	{code: "InDebtOverdue", cause: Debt},
	{code: "UserDisable", cause: Debt},
	{code: "AbnormalBucketOwnerStatus", cause: Debt},
	{code: "RiskControlProhibited", cause: Debt},

	{code: "ServiceNotActivated", cause: NotActivated},

	{code: "KmsServiceNotEnabled", cause: Encryption},
	{code: "InvalidEncryptionAlgorithmError", cause: Encryption},

	{code: "FileImmutable", cause: Immutable},

	{code: "InvalidObjectState", cause: Archived},

	{code: "InvalidApi.NotFound", cause: Unknown},
	{code: "InvalidAction.NotFound", cause: Unknown},
	{code: "InvalidProduct.NotFound", cause: Unknown},
	{code: "InvalidProtocol.NeedSsl", cause: Unknown},
	{code: "MissingSourceType", cause: Unknown},
	{code: "InvalidSourceType", cause: Unknown},

	{code: "AccessDenied", cause: Policy},
	{code: "NoPermission", cause: Policy},
	{code: "Forbidden", cause: Policy},
	{code: "AssumeRoleFail", cause: Policy},
}

// find is the row of a code, or of what it continues.
func find(code string) meaning {
	if strings.Contains(code, "Throttling") {
		code = "Throttling"
	}
	for rest := code; rest != ""; {
		if i := slices.IndexFunc(codes, func(row meaning) bool { return row.code == rest }); i >= 0 {
			return codes[i]
		}
		rest = rest[:max(0, strings.LastIndexByte(rest, '.'))]
	}
	return meaning{}
}

// OfCode says what a refusal means: an error that the service itself has given,
// with the status that it came with.
func OfCode(code string, status int) (cause Cause, again int) {
	row := find(code)
	asStatus, _ := strconv.Atoi(code) // some services write it there
	if row.again != Always && (Passes(status) || Passes(asStatus)) {
		return Busy, Always
	}
	return row.cause, row.again
}

// Passes tells whether an HTTP status, whoever answers it, says that the same
// request may succeed later.
func Passes(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500 && status < 600
}

// Quotes tells whether the message that comes with a code repeats what was signed.
func Quotes(code string) bool { return find(code).quotes || strings.HasPrefix(code, "Signature") }

// OfEC is the code that OSS gives with a finer one, or "". Alibaba Cloud may change
// the finer codes, so they explain an answer whose own code is lost, and decide
// nothing (https://help.aliyun.com/document_detail/32005.htm).
func OfEC(ec string) string {
	switch ec {
	case "0002-00000501", "0002-00000504":
		return "RequestTimeTooSkewed"
	case "0003-00000001", "0003-00000202", "0003-00000905":
		return "AccessDenied"
	case "0026-00000002", "0026-00000201":
		return "FileAlreadyExists"
	}
	return ""
}

// Of is the cause of an error that has met a service; "" where none in its chain
// knows.
func Of(err error) Cause {
	var knows interface{ Fault() Cause }
	if errors.As(err, &knows) {
		return knows.Fault()
	}
	return ""
}

// Advice is what to do about an error; "" where its cause is not known. An error of
// its own that knows better says so.
func Advice(err error) string {
	var knows interface{ Advice() string }
	if errors.As(err, &knows) {
		return knows.Advice()
	}
	return Of(err).Advice()
}
