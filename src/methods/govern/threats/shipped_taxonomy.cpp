// SPDX-License-Identifier: Apache-2.0
// The taxonomy that stands where none is given; examples/threats-taxonomy.toml is the same text (a test compares them).
#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {

const std::string_view shipped_taxonomy =
    R"toml(# The taxonomy of AI threats: nine domains and their loss categories after arXiv 2511.21901; the 53 names are reconstructed
# (recon-1) and the crosswalk is our paraphrase of areas. Copy, edit and give it with --taxonomy to replace it.
version = "recon-1"

[[domain]]
id = "misuse"
name = "Misuse"
losses = ["integrity", "availability", "reputation"]
iso_42001 = ["A.5", "A.8", "A.9"]
nist_rmf = ["Govern", "Map", "Manage"]
eu_ai_act = ["Art. 9", "Art. 14", "Art. 15"]
owasp = ["LLM01", "LLM06"]
atlas = ["AML.T0051", "AML.T0054"]
[[domain.threat]]
id = "misuse.1"
name = "direct prompt injection"
keywords = ["prompt injection", "ignore previous instructions", "system prompt override"]
[[domain.threat]]
id = "misuse.2"
name = "indirect prompt injection"
keywords = ["indirect prompt injection", "hidden instructions", "injected through a web page", "poisoned document"]
[[domain.threat]]
id = "misuse.3"
name = "jailbreak"
keywords = ["jailbreak", "jailbreaking", "bypass safety", "bypassed its guardrails", "role play attack"]
[[domain.threat]]
id = "misuse.4"
name = "synthetic media and impersonation"
keywords = ["deepfake", "deepfakes", "voice clone", "voice cloning", "synthetic video", "impersonation", "impersonated"]
[[domain.threat]]
id = "misuse.5"
name = "fraud and social engineering"
keywords = ["scam", "fraud", "phishing", "social engineering", "romance scam"]
[[domain.threat]]
id = "misuse.6"
name = "malicious code assistance"
keywords = ["malware", "write malicious code", "malicious code", "exploit code", "ransomware code"]
[[domain.threat]]
id = "misuse.7"
name = "unauthorised or shadow use"
keywords = ["shadow ai", "unauthorised use", "unauthorized use", "without approval"]
[[domain.threat]]
id = "misuse.8"
name = "disinformation campaigns"
keywords = ["disinformation", "propaganda", "influence operation", "fake news campaign"]

[[domain]]
id = "poisoning"
name = "Poisoning"
losses = ["integrity", "reputation"]
iso_42001 = ["A.6", "A.7", "A.10"]
nist_rmf = ["Map", "Measure"]
eu_ai_act = ["Art. 10", "Art. 15"]
owasp = ["LLM04"]
atlas = ["AML.T0020", "AML.T0018"]
[[domain.threat]]
id = "poisoning.1"
name = "training data"
keywords = ["data poisoning", "poisoned training data", "training data poisoning"]
[[domain.threat]]
id = "poisoning.2"
name = "label flipping"
keywords = ["label flipping", "mislabelled on purpose"]
[[domain.threat]]
id = "poisoning.3"
name = "backdoor trigger"
keywords = ["backdoor", "trojan trigger", "hidden trigger"]
[[domain.threat]]
id = "poisoning.4"
name = "retrieval corpus"
keywords = ["poisoned knowledge base", "retrieval poisoning", "rag poisoning"]
[[domain.threat]]
id = "poisoning.5"
name = "feedback or preference data"
keywords = ["feedback poisoning", "manipulated ratings", "preference poisoning", "learned from users"]
[[domain.threat]]
id = "poisoning.6"
name = "gradient or parameter (federated)"
keywords = ["gradient poisoning", "model poisoning", "federated"]

[[domain]]
id = "privacy"
name = "Privacy"
losses = ["confidentiality", "legal", "reputation"]
iso_42001 = ["A.5", "A.7", "A.8"]
nist_rmf = ["Govern", "Measure"]
eu_ai_act = ["Art. 10", "Art. 13"]
owasp = ["LLM02"]
atlas = ["AML.T0024", "AML.T0057"]
[[domain.threat]]
id = "privacy.1"
name = "membership inference"
keywords = ["membership inference"]
[[domain.threat]]
id = "privacy.2"
name = "model inversion"
keywords = ["model inversion", "reconstructed training images"]
[[domain.threat]]
id = "privacy.3"
name = "training-data extraction"
keywords = ["training data extraction", "memorized", "memorised", "extract training data", "regurgitat"]
[[domain.threat]]
id = "privacy.4"
name = "attribute inference"
keywords = ["attribute inference", "inferred sexual orientation", "inferred health"]
[[domain.threat]]
id = "privacy.5"
name = "leakage of personal data in outputs or logs"
keywords = ["personal data", "data leak", "leaked", "exposed chat", "chat histories", "information leak", "sensitive information", "pii"]
[[domain.threat]]
id = "privacy.6"
name = "unlawful collection or biometric use"
keywords = ["facial recognition", "biometric", "scraped photos", "without consent", "surveillance"]

[[domain]]
id = "adversarial"
name = "Adversarial"
losses = ["integrity", "availability", "reputation"]
iso_42001 = ["A.6"]
nist_rmf = ["Measure", "Manage"]
eu_ai_act = ["Art. 15"]
owasp = ["LLM10"]
atlas = ["AML.T0015", "AML.T0043"]
[[domain.threat]]
id = "adversarial.1"
name = "evasion perturbation"
keywords = ["adversarial example", "adversarial examples", "evasion", "evade detection", "perturbation"]
[[domain.threat]]
id = "adversarial.2"
name = "physical-world attack"
keywords = ["adversarial patch", "physical adversarial", "stickers on"]
[[domain.threat]]
id = "adversarial.3"
name = "black-box or transfer attack"
keywords = ["black-box attack", "transfer attack", "query attack"]
[[domain.threat]]
id = "adversarial.4"
name = "adversarial suffix or token smuggling"
keywords = ["adversarial suffix", "token smuggling", "invisible characters"]
[[domain.threat]]
id = "adversarial.5"
name = "sponge or resource exhaustion"
keywords = ["denial of service", "resource exhaustion", "sponge", "infinite loop", "memory exhaustion", "crash"]
[[domain.threat]]
id = "adversarial.6"
name = "side channel or fault injection"
keywords = ["side channel", "fault injection", "rowhammer"]

)toml"
    R"toml([[domain]]
id = "biases"
name = "Biases"
losses = ["integrity", "legal", "reputation"]
iso_42001 = ["A.5", "A.6", "A.7"]
nist_rmf = ["Map", "Measure"]
eu_ai_act = ["Art. 10"]
owasp = []
atlas = []
[[domain.threat]]
id = "biases.1"
name = "allocational harm"
keywords = ["denied loans", "hiring discrimination", "rejected applicants", "wrongful arrest"]
[[domain.threat]]
id = "biases.2"
name = "representational harm"
keywords = ["stereotype", "stereotypes", "gender bias", "racial bias", "hurtful", "toxicity", "toxic"]
[[domain.threat]]
id = "biases.3"
name = "proxy discrimination"
keywords = ["proxy discrimination", "postcode"]
[[domain.threat]]
id = "biases.4"
name = "sampling bias"
keywords = ["sampling bias", "unrepresentative data", "underrepresented"]
[[domain.threat]]
id = "biases.5"
name = "label or measurement bias"
keywords = ["label bias", "measurement bias"]
[[domain.threat]]
id = "biases.6"
name = "unequal performance"
keywords = ["demographic bias", "unequal performance", "error rates differ", "higher error rate", "group fairness", "bias"]

[[domain]]
id = "unreliable"
name = "Unreliable outputs"
losses = ["legal", "reputation"]
iso_42001 = ["A.6", "A.8", "A.9"]
nist_rmf = ["Measure", "Manage"]
eu_ai_act = ["Art. 13", "Art. 14", "Art. 15"]
owasp = ["LLM09", "LLM05"]
atlas = ["AML.T0062"]
[[domain.threat]]
id = "unreliable.1"
name = "fabrication"
keywords = ["hallucination", "hallucinated", "made up", "fabricated", "fictitious", "non-existent", "false information", "misinformation"]
[[domain.threat]]
id = "unreliable.2"
name = "miscalibrated confidence"
keywords = ["overconfident", "miscalibrated"]
[[domain.threat]]
id = "unreliable.3"
name = "unsafe advice"
keywords = ["unsafe advice", "harmful advice", "dangerous advice", "medical advice"]
[[domain.threat]]
id = "unreliable.4"
name = "inconsistency"
keywords = ["inconsistent answers", "contradictory"]
[[domain.threat]]
id = "unreliable.5"
name = "reasoning or tool-use error"
keywords = ["reasoning error", "wrong answer", "fails to follow", "incorrect code", "tool misuse"]
[[domain.threat]]
id = "unreliable.6"
name = "harmful content"
keywords = ["harmful content", "offensive", "hate speech", "self-harm", "violent content", "explicit"]

[[domain]]
id = "drift"
name = "Drift"
losses = ["integrity", "availability", "reputation"]
iso_42001 = ["A.6", "A.4"]
nist_rmf = ["Measure", "Manage"]
eu_ai_act = ["Art. 9", "Art. 15"]
owasp = []
atlas = []
[[domain.threat]]
id = "drift.1"
name = "covariate shift"
keywords = ["covariate shift", "distribution shift", "out of distribution"]
[[domain.threat]]
id = "drift.2"
name = "prior shift"
keywords = ["prior shift", "base rate changed"]
[[domain.threat]]
id = "drift.3"
name = "concept drift"
keywords = ["concept drift", "model decay", "degraded over time", "outdated"]
[[domain.threat]]
id = "drift.4"
name = "upstream pipeline change"
keywords = ["pipeline change", "schema change", "feature changed"]
[[domain.threat]]
id = "drift.5"
name = "silent model update or feedback loop"
keywords = ["silent update", "feedback loop", "behaviour changed"]

[[domain]]
id = "supply_chain"
name = "Supply chain"
losses = ["confidentiality", "integrity", "availability"]
iso_42001 = ["A.10", "A.4"]
nist_rmf = ["Govern", "Map"]
eu_ai_act = ["Art. 15"]
owasp = ["LLM03"]
atlas = ["AML.T0010"]
[[domain.threat]]
id = "supply_chain.1"
name = "tampered weights"
keywords = ["tampered weights", "malicious model", "pickle", "unsafe deserialization", "deserialization of untrusted"]
[[domain.threat]]
id = "supply_chain.2"
name = "malicious package"
keywords = ["malicious package", "typosquat", "dependency confusion", "remote code execution", "arbitrary code", "code injection", "path traversal", "buffer overflow", "vulnerability"]
[[domain.threat]]
id = "supply_chain.3"
name = "compromised data supplier"
keywords = ["compromised dataset", "data supplier"]
[[domain.threat]]
id = "supply_chain.4"
name = "vendor outage or change"
keywords = ["vendor outage", "api outage", "service outage", "deprecated model"]
[[domain.threat]]
id = "supply_chain.5"
name = "hardware or firmware trojan"
keywords = ["firmware", "hardware trojan"]

[[domain]]
id = "ip"
name = "IP threat"
losses = ["confidentiality", "integrity", "reputation"]
iso_42001 = ["A.2", "A.7", "A.10"]
nist_rmf = ["Govern", "Manage"]
eu_ai_act = ["Art. 53"]
owasp = ["LLM07"]
atlas = ["AML.T0024.002", "AML.T0044"]
[[domain.threat]]
id = "ip.1"
name = "model extraction"
keywords = ["model extraction", "model stealing", "stole the model", "distilled from"]
[[domain.threat]]
id = "ip.2"
name = "weight theft"
keywords = ["weight theft", "leaked weights", "weights leaked"]
[[domain.threat]]
id = "ip.3"
name = "copyright claim on training data"
keywords = ["copyright", "copyrighted", "authors sued", "artists sued"]
[[domain.threat]]
id = "ip.4"
name = "infringing output"
keywords = ["infringing", "plagiar"]
[[domain.threat]]
id = "ip.5"
name = "trade-secret leakage"
keywords = ["trade secret", "source code leak", "confidential code", "proprietary"]
)toml";

}  // namespace plimsoll::govern::threats
