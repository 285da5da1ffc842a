"""The words that carry meaning, each with its kinds; the phrases that count as one word; what is meant by a typo.

A rule (see ``grammar``) is written in kinds, so that a new word for an old thing is one entry here.
"""

from typing import Final

from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MONTH, SECONDS_PER_YEAR, TIME_UNITS

_PEOPLE: Final = (
    "official servant resident candidate applicant participant delegate notary judge surgeon surveyor magistrate "
    "accountant actuary adjuster adviser advisor architect archivist attorney auditor author banker buyer citizen "
    "clerk curator designer dispatcher doctor editor electrician farmer guest household inspector intern journalist "
    "learner librarian manager marketer mechanic nurse officer paralegal parent pharmacist physician "
    "planner professor pupil recruiter researcher scientist seller shopper technician therapist trader "
    "claimant kid friend hobbyist trainee translator tutor underwriter volunteer"
).split()
"""Who may use a service, beside those of whom more is known: one of each."""

KINDS: Final[dict[str, str]] = {
    # --- what is counted ---
    "event": "request requests req reqs query queries r q call calls hit hits message messages msg msgs question "
    "questions chat chats conversation conversations completion completions inference inferences generation "
    "generations invocation invocations interaction interactions session sessions transaction transactions turn turns "
    "exchange exchanges dialogue dialogues dialog dialogs thread threads visit visits round rounds discussion "
    "discussions task tasks job jobs search searches lookup lookups autocompletion autocompletions suggestion "
    "suggestions prompt prompts response responses",
    "thing": "document documents doc docs article articles email emails mail mails ticket tickets review reviews "
    "transcript transcripts summary summaries file files record records report reports paper papers contract "
    "contracts post posts invoice invoices translation translations image images row rows comment comments",
    "character": "persona personas",
    "user": " ".join(f"{one} {one.removesuffix('y')}{'ies' if one.endswith('y') else 's'}" for one in _PEOPLE)
    + " families children salespeople consultants user users customer customers person persons people ppl "
    "developer developers dev devs engineer engineers employee employees client clients member members student "
    "students visitor visitors subscriber subscribers seat seats player players patient patients reader readers "
    "colleague colleagues coder coders actives operator operators analyst analysts lawyer lawyers teacher teachers "
    "agent agents staff worker workers",
    "audience": "user users customer customers client clients subscriber subscribers visitor visitors dau mau wau "
    "people persons actives",
    "active": "dau mau wau",
    "token": "token tokens tok toks tkn tkns tk",
    "textunit": "kb kib hanzi word words page pages character characters char chars paragraph paragraphs sentence "
    "sentences",
    "param": "param params parameter parameters",
    "call": "call calls step steps hop hops invocation invocations completion completions generation generations "
    "turn turns",
    "whole": "task tasks request requests query queries question questions job jobs session sessions conversation "
    "conversations interaction interactions user chat message ticket run",
    "talk": "chat chats conversation conversations session sessions dialogue dialogues dialog dialogs thread threads "
    "visit visits discussion discussions",
    "turn": "turn turns message messages msg msgs prompt prompts question questions exchange exchanges round rounds "
    "reply replies query queries request requests",
    # --- time ---
    "time": " ".join(unit for unit in TIME_UNITS if len(unit) > 1)
    + " shift shifts quarter quarters workday workdays weekday",
    "calendar": "yesterday q1 q2 q3 q4 january february april june july august september october november december",
    "tshort": "s m h d w y",
    "per": "per a an each every",
    "adverb": "hourly daily weekly monthly quarterly yearly annually annual minutely",
    "rateunit": "rps qps rpm qpm rph qph rpd qpd",
    "tps": "tps",
    "every": "every each",
    "each": "each apiece individually",
    # --- tokens: which way ---
    "incue": "input inputs prompt prompts prefill isl question questions query queries document documents article "
    "articles doc docs paper papers email emails mail mails ticket tickets transcript transcripts contract contracts "
    "file files pdf pdfs instruction instructions report reports paste pastes pasting upload uploads uploading send "
    "sends feed feeds",
    "outcue": "tg gen output outputs answer answers response responses reply replies completion completions generation "
    "generations generated generate generates generating decode osl summary summaries answering replying responding "
    "into produce produces back return returns returned receive receives receiving",
    "inward": "input inputs isl",
    "outward": "tg gen output outputs osl generated",
    "inplain": "input inputs isl prompt prompts",
    "outplain": "gen output outputs osl answer answers response responses reply replies completion completions "
    "summary summaries",
    "plural": "inputs prompts outputs answers responses replies completions questions queries documents",
    "leads": "into produce produces return returns receive receives receiving send sends feed feeds",
    "reasoning": "thinking reasoning thought thoughts",
    "context": "context ctx",
    # --- connections ---
    "link": "of is are be was will at = : about around ~ roughly approximately approx circa ca nearly almost average ø "
    "avg mean averaging averages typical typically usually normally length lengths long size sizes sized count to "
    "the an some maybe perhaps say like ish mostly generally a bit just only with has have equals equal being set "
    "expected expect around_ lognormal our my their its target reach reaches stay stays should must",
    "approx": "about around ~ roughly approximately approx circa ca nearly almost maybe perhaps like say some just "
    "only exactly",
    "size": "lognormal length lengths long size sizes sized count average avg mean averaging averages averaged typical",
    "mean": "ø average avg mean averaging averages averaged",
    "median": "median medians",
    "deviation": "sd std stdev stddev σ deviation cv cov",
    "copula": "lognormal of = : is are about around ~ roughly approximately approx average avg mean averaging averages "
    "length lengths size sizes count at equals be typically usually typical were was will would like more",
    "under": "under below < <= ≤ within sub cap max maximum upto",
    "upto": "upto tops max maximum capped limited truncated",
    "over": "over above > >= ≥ atleast minimum min",
    "conj": "and plus & with",
    "or": "or nor either",
    # --- latency ---
    "ttft": "ttft",
    "itl": "itl tpot",
    "e2e": "e2e",
    "begin": "commence commences commencing start starts starting started begin begins beginning",
    "finish": "finish finishes finished complete completes completed done ready",
    "latency": "latency latencies latent slo sla respond responds responding response_time delay answered",
    "peak": "peak pk peaks peaking peaked busiest spike spikes spiking surge surges",
    "burst": "burst bursts bursting",
    "factor": "factor multiplier ratio multiple",
    "more": "more higher above over extra greater additional",
    # --- growth ---
    "grow": "grow grows growing grown growth increase increases increasing increased rise rises rising expand "
    "expands expanding expandable scale scaling",
    "shrink": "shrink shrinks shrinking decline declines declining decrease decreases decreasing fall falls falling",
    "yoy": "yoy",
    "mom": "mom",
    "horizon": "horizon",
    "flat": "flat stable constant",
    # --- hardware ---
    "gpunoun": "gpu gpus card cards accelerator accelerators chip chips device devices",
    "node": "workstations rig rigs node nodes server servers box boxes machine machines host hosts",
    "dgx": "dgx hgx",
    "replica": "pod pods replica replicas instance instances copy copies",
    "spare": "spare spares standby standbys redundant redundancy failover backup extra",
    "fails": "fail fails failing failure failures loss losing lose loses outage outages die dies dying crash "
    "crashes crashing break breaks breaking",
    "survives": "survives surviving tolerate tolerates tolerating withstand withstands resilient",
    "available": "availability uptime available",
    "para": "tp pp ep dp",
    "spot": "spot preemptible",
    "reserved": "reserved reservation reserve commitment committed commit contract",
    "ondemand": "ondemand",
    "owned": "owned colo",
    "ingrand": "ingrand altogether overall combined aggregate total together",
    "allat": "allat both",
    "sidecost": "licences licenses staff salaries salary maintenance egress",
    "budget": "budget afford ceiling cheaper budgeted",
    "usd": "usd dollar dollars bucks $ us$",
    "euro": "eur euro euros € gbp pounds £ chf yen ¥ pln zł zl zloty zlotys sek nok dkk inr rupees ₹ jpy cad aud brl "
    "rmb cny yuan 元 円 krw",
    "wattunit": "kw kilowatt kilowatts mw megawatt megawatts watt watts",
    "bytes": "gb gib tb tib mb mib kb kib pb gigabyte gigabytes terabyte terabytes megabyte megabytes gig gigs",
    # --- serving ---
    "batch": "batch batches batchsize",
    "kv": "kv kvcache",
    "prefixcue": "prefix prefixes cached cacheable cachehit cachehits",
    "shared": "shared share shares reused reuse reusable repeated repeats repeat common identical same",
    "bits": "bit bits",
    "weights": "weights weight",
    "activation": "activation activations",
    "draft": "draft drafted speculative speculated lookahead",
    "chunk": "chunk chunks passage passages snippet snippets document documents doc docs file files article articles "
    "section sections page pages image images photo photos picture pictures "
    "screenshot screenshots turn turns message messages example examples",
    "site": "dc dcs depot depots warehouse warehouses plant plants factory factories clinic clinics region regions "
    "country countries tenant tenants site sites team teams zone zones cluster clusters office offices store stores "
    "branch branches centers centres datacenters datacentres school schools class classes firm firms company "
    "companies organisation organisations organization organizations hospital hospitals market markets department "
    "departments",
    "concurrent": "concurrentes simultanés simultanées simultáneos simultáneas simultâneos "
    "concurrent concurrently simult simultaneous simultaneously parallel inflight atonce",
    "concurrency": "concurrency inflight parallelism conc",
    # --- refusals ---
    "neg": "not no without never avoid avoiding except excluding exclude excludes dont doesnt didnt isnt arent wont "
    "cant cannot neither skip ban banned bans forbid forbids forbidden prohibits prohibited rejects refuse refuses "
    "anythingbut replacing ruleout dropping toodear minus_ shouldnt wouldnt wasnt couldnt",
    "noun_neg": "no without",
    "but": "but instead rather however only just",
    "any": "anything whatever whichever anywhere any",
    "unsure": "unsure unclear",
    # --- money and the rest of the little words ---
    "in": "in",
    "for": "for",
    "out": "out",
    "on": "on",
    "into": "into",
    "than": "than",
    "next": "next coming following",
    "way": "way",
    "times": "times time x × * fold",
    "x": "x × *",
    "percentile": "percentile percentiles ile tile",
    "percent": "% percent pct",
    "range": "to till until – — .. … ... - ±",
    "dash": "- – —",
    "slash": "/",
    "arrow": "→ -> =>",
    "plus": "+",
    "paren": "( ) [ ] { }",
    "comma": ", | ， 、",
    "stop": ". ; ! ? # \n 。 ； ！ ？",
    "colon": ": = ：",
    "verb": "ask asks asking send sends sending make makes making do does doing issue issues issuing fire fires "
    "firing run runs running who that which use uses using have has submit submits write writes writing get gets at "
    "with of each every type types submitting",
    "making": "generating producing creating generate produce create generates produces creates",
    # --- numbers in words ---
    "small": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen single",
    "tens": "twenty thirty forty fifty sixty seventy eighty ninety",
    "couple": "couple",
    "part": "half third thirds quarter quarters fifth fifths tenth",
    "scaleword": "grand k mn mio mln million millions thousand billion bn hundred dozen mil trillion wan yi "
    "lakh lakhs lac crore crores",
    "multword": "double doubles doubled doubling triple triples tripled tripling quadruple quadruples quadrupling "
    "twofold threefold fourfold fivefold tenfold twice thrice treble",
    # --- filler after a bare answer ---
    "filler": "i think guess maybe probably so or please ish approx roughly about around on average it is its it's "
    "should be say let's lets us we have well hmm uh um ok okay yes yeah sure that's thats would like use take go "
    "with make just only perhaps the a an total overall usually typically normally mostly at in all thanks most use_ "
    "i'd id want need get gets see expect our my this for now then more less than , . ! ? ~ : = ( ) - \n",
}

PHRASES: Final[dict[str, str]] = {
    "generates": "call writes|step writes|turn writes|model writes|bot writes|it writes|it writes back|agent writes|"
    "llm writes|call emits|it emits|bot speaks|it speaks|assistant writes|bot says|model emits|step emits",
    "toodear": "too dear|too expensive|too pricey|too costly",
    "turns": "back and forth|back and forths|back & forths|rounds of messages|message pairs|question and answer pairs|"
    "user turns|follow ups",
    "ttft": "time to first token|time to the first token|time to first tokens|first token|first tokens|first word|"
    "until something appears|before something appears|before it starts|until it starts|before it begins|first token "
    "latency|first response|first reply|prefill latency|time till first token|time until first token|first byte|1st "
    "token|start of the answer|start answering|first audio|first sound|first spoken word|first spoken words",
    "itl": "inter token latency|intertoken latency|inter token|time per output token|time per token|"
    "time between tokens|between tokens|per token latency|token latency|per output token|latency per token|"
    "inter token delay|token to token latency|per token|every token|each token|token interval",
    "e2e": "end to end|end 2 end|end to end latency|e2e latency|total latency|full response|full answer|whole answer|"
    "complete answer|complete response|entire response|entire answer|total response time|full reply|complete reply|"
    "total time|whole response|in full|whole suggestion|entire suggestion|whole reply|entire reply|request latency|"
    "overall latency|entire thing|whole thing|entire request|whole request|whole completion|entire completion|full "
    "completion|to completion|to finish|finished",
    "latency": "response time|response times|reaction time|respond in|responds in",
    "under": "at most|no bigger than|no larger than|not more as|no more as|"
    "no more than|not more than|not over|not above|never above|never over|less than|lower than|"
    "smaller than|faster than|not exceed|not exceeding|never exceed|no longer than|not longer than|no later than|"
    "no slower than|not slower than|no greater than|shorter than|fewer than|as much as|not to exceed|dont exceed|"
    "must not exceed|cant exceed|must not breach|must not violate|must not miss|may not breach|"
    "not breach|not violate|not miss|never breach|never violate|never miss|dont breach|dont violate|dont miss|"
    "without breaching|without violating|without missing|quicker than|better than|stay under|keep under|kept under",
    "over": "at least|no smaller than|bigger than|larger than|no less than|not less than|more than|greater than|no "
    "fewer than|minimum of|faster then|not below|not under|or more|higher than|never below|must not go below|must not "
    "fall below|must not drop below|may not go below|may not fall below",
    "upto": "up to|as long as|maximum of|max of|a maximum of|a max of",
    "with": "except use|except using|except with|except on",
    "unsure": "not sure|dont know|do not know|no idea|not certain|not decided|not fixed|no clue|havent decided|"
    "not clear|unclear|dont mind|do not mind|why not|not yet|not only|not just|no matter|no problem|no wait|"
    "no worries|if not|no limit|not many",
    "any": "dont care|do not care|doesnt matter|does not matter|no preference|you choose|choose for me|you pick|"
    "pick for me|pick one for me|whatever is cheapest|whatever works|whatever fits|choose the gpu|choose gpus|"
    "any gpu|any gpus|best gpu|you decide|decide for me|up to you|any accelerator|suggest one|recommend one|"
    "surprise me|whichever is cheapest|whatever gpu|which gpu|which gpus|what gpu|what gpus|anything works",
    "anythingbut": "anything but|any cloud but|any cloud except|any provider but|any provider except|every cloud but|"
    "any gpu but|any gpu except|any accelerator but|all but|all except|everything but|everything except|"
    "everywhere except|everywhere but|anything except|other than|apart from|"
    "anything other than|aside from|get rid of|stay away from|rule out|rules out",
    "replacing": "instead of|rather than|in place of|anstelle von|an stelle von|au lieu de|au lieu des|"
    "à la place de|a la place de|en lugar de|en vez de|invece di|al posto di|in plaats van|em vez de",
    "dont": "do not|does not|did not|will not|would not|should not|must not|may not|can not|is not|are not|am not",
    "workday": "business day",
    "in": "going in",
    "out": "coming out|going out",
    "daily": "by day|for day|in day",
    "peak": "busiest hour|biggest hour|heaviest hour|largest hour|busy hour|rush hour|peak hour|peak hours|peak time|"
    "peak times|peak load|peak traffic|that hour|lunch rush|dinner rush|evening rush|morning rush|rush|busiest hours|"
    "busiest time|busy hours|high season|busiest period|busiest minute|worst hour|peak day",
    "offpeak": "off peak|off peak hours|quiet hours|at night|overnight",
    "yoy": "year over year|year on year|y / y|y o y|per annum|p a",
    "mom": "month over month|month on month|m / m",
    "percent": "per cent",
    "percentile": "% ile|% tile",
    "sidecost": "support contract|support contracts|support plan|support costs|support fee|other costs|other cost|"
    "further costs|extra costs|additional costs|side costs|licence fee|license fee|licence fees|license fees|"
    "licence costs|license costs|staff costs|service contract|for support|load balancer",
    "budget": "spend cap|spending cap|cost cap|spending limit|cost limit|cost ceiling|can spend|want to spend|able to "
    "spend|willing to pay|willing to spend|can pay|like to spend|spend at most",
    "ondemand": "on demand|pay as you go|payg",
    "owned": "on prem|on premise|on premises|our own gpus|our own hardware|own the gpus|own gpus|own hardware|we own|"
    "own our gpus|our own cluster|own the hardware|our own datacenter|our own data center|own datacenter|"
    "our own servers|own servers|bare metal we own|already bought|own the cards|own cards|our own cards|onprem|"
    "colocation|colocated|self hosted hardware|in house hardware|own the servers|owned gpus|bought the gpus|"
    "our own racks|on our premises|our own colo",
    "inflight": "in flight|at the same time|in same time|in the same time|at same time|at the same moment|"
    "at once|in parallel|at a time|at any time|at any one time|online at once",
    "kvcache": "kv cache|key value cache|kv caches|k v cache",
    "context": "seq len|sequence length|"
    "context window|context length|context size|max model len|max model length|max context|"
    "maximum context|context limit|max seq len|max sequence length|window size|ctx len|context windows|context of",
    "batchcap": "max num seqs|batch size|batch cap|max batch size|max batch|maximum batch size|maximum batch|"
    "batch limit|batches of|batch of|micro batch|max concurrent sequences|max sequences|batch sizes|"
    "max running requests|sequences per replica|sequence per replica|seqs per replica|concurrent sequences|"
    "sequences in a batch|seqs at once|sequences at once|concurrent seqs",
    "tokenbudget": "max num batched tokens|batched tokens|chunked prefill|token budget|chunked prefill size|"
    "batched token budget|max batched tokens",
    "memutil": "gpu memory utilization|gpu memory utilisation|memory utilization|memory utilisation|"
    "mem fraction static|gpu mem util|memory fraction",
    "temperature": "temperature|sampling temperature|temp",
    "topp": "top p|topp|top p sampling|nucleus sampling|nucleus",
    "greedy": "greedy|greedily|greedy decoding|greedy sampling|argmax decoding|argmax sampling",
    "prefixhit": "prefix hit|prefix hit rate|prefix cache hit rate|cache hit rate|cache hits|cache hit|prefix hits|"
    "prefix caching hit rate|prefix cache hits|prefix reuse|prefix sharing|hit rate|kv reuse|prefix cache|"
    "prefix caching|prompt caching|prompt cache|cache reuse|prefix share|shared prefix|common prefix",
    "sysprompt": "system prompt|system prompts|sys prompt|system message|system instruction|system instructions|"
    "preamble",
    "tp": "tensor parallel|tensor parallelism|tensor parallel size|tensor parallel degree|tp size|tp degree",
    "pp": "pipeline parallel|pipeline parallelism|pipeline parallel size|pipeline stages|pp size",
    "ep": "expert parallel|expert parallelism|expert parallel size|ep size",
    "dp": "data parallel|data parallelism|data parallel size|attention dp|dp size",
    "way": "ways",
    "workhours": "business hours|office hours|working hours|work hours|opening hours|working day",
    "burstiness": "burstiness|cv of arrivals|arrival cv",
    "pernode": "per node|per server|per box|per machine|per host|a node|each node|in a node|in each node|/ node|"
    "in one node|each server|a server|per instance",
    "peruser": "per user|per customer|per person|per employee|per developer|per client|per visitor|per head|per seat|"
    "/ user|per dev|per active user|per engineer|per member|per student|per stream|per session stream|per agent|"
    "/ customer|/ person|/ stream|per subscriber|per dau|" + "|".join(f"per {one}" for one in _PEOPLE),
    "perrequest": "per request|per query|per call|/ request|/ req|per req|per message|per sequence",
    "eachuser": "|".join(f"each {one}|every {one}" for one in _PEOPLE) + "|everyone|everybody|each family|every family|"
    "each user|every user|each of them|each one|each customer|every customer|each person|each developer|"
    "every developer|each employee|every employee|each client|every client|a user|one user|each of our users|"
    "each engineer|every engineer|every person|each of whom|all of them|each student|each agent|every one of them|"
    "each visitor|every visitor|each member|each dev",
    "ingrand": "in total|in all|all in|all told|in aggregate|from the whole cluster|for the whole cluster|over the "
    "whole fleet|total throughput|across all users|system wide|cluster wide",
    "allat": "both at|all at|each at|all of them at|all of these at",
    "fullprecision": "full precision|unquantized|unquantised|no quantization|no quantisation|not quantized|"
    "not quantised|without quantization|without quantisation",
    "halfprecision": "half precision",
    "survive": "survive one failure|survive a failure|survive the loss of one|tolerate one failure|lose one replica|"
    "lose a replica|one can fail|one may fail|survive losing one|losing one replica|tolerate a failure|"
    "survive one replica failure|failure of one replica",
    "fails": "drops out|drop out|dropping out|falls over|fall over|falling over|goes away|go away|is gone|are gone|"
    "goes offline|go offline|is offline|taken out|out of service|goes missing|is unavailable|"
    "are unavailable|go down|goes down|going down|break down|breaks down|be lost|be down|being down",
    "gpuhour": "per gpu hour|/ gpu hour|per gpu per hour|/ gpu / hour|/ gpu / h|per hour per gpu|/ h per gpu|"
    "an hour per gpu|/ hour per gpu|/ hr per gpu|/ gpu hr|per gpu hr|/ gpuh|a gpu hour|per card hour|/ hour / gpu|"
    "/ h / gpu|/ gpu / hr|per accelerator hour|an hour per card|per hour for each gpu|per gpu an hour|per gpu / hour",
}

SECONDS: Final[dict[str, float]] = {
    **TIME_UNITS,
    "m": 60.0,
    "hourly": SECONDS_PER_HOUR,
    "daily": SECONDS_PER_DAY,
    "weekly": 7 * SECONDS_PER_DAY,
    "monthly": SECONDS_PER_MONTH,
    "yearly": SECONDS_PER_YEAR,
    "annually": SECONDS_PER_YEAR,
    "annual": SECONDS_PER_YEAR,
    "minutely": 60.0,
    "shift": SECONDS_PER_DAY,
    "night": SECONDS_PER_DAY,
    "shifts": SECONDS_PER_DAY,
    "workday": SECONDS_PER_DAY,
    "workdays": SECONDS_PER_DAY,
    "weekday": SECONDS_PER_DAY,
    "quarter": SECONDS_PER_YEAR / 4,
    "quarters": SECONDS_PER_YEAR / 4,
    "quarterly": SECONDS_PER_YEAR / 4,
    "dau": SECONDS_PER_DAY,
    "wau": 7 * SECONDS_PER_DAY,
    "mau": SECONDS_PER_MONTH,
    "rps": 1.0,
    "qps": 1.0,
    "rpm": 60.0,
    "qpm": 60.0,
    "rph": SECONDS_PER_HOUR,
    "qph": SECONDS_PER_HOUR,
    "rpd": SECONDS_PER_DAY,
    "qpd": SECONDS_PER_DAY,
    **dict.fromkeys(KINDS["calendar"].split(), SECONDS_PER_MONTH),
    **dict.fromkeys(("q1", "q2", "q3", "q4"), SECONDS_PER_YEAR / 4),
    "yesterday": SECONDS_PER_DAY,
}
"""Seconds in what a word of time says."""


def _by_word() -> dict[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {name: {name} for name in PHRASES}
    for kind, words in KINDS.items():
        for word in words.split(" "):
            kinds.setdefault(word, set()).add(kind)
    return {word: frozenset(found) for word, found in kinds.items()}


KINDS_OF: Final = _by_word()
"""The kinds of each word; the name of a phrase is a kind of its own."""
