"""Words that ask for nothing by themselves: whatever else of a line is in no value and no question is told as not used.

Articles, pronouns, verbs of wanting and having, and the general words of the trade. A word is ordinary where a plan
could not change with it: 'frankfurt' and 'secure' are not.
"""

from typing import Final

GRAMMAR: Final = frozenset(
    (
        "a an the this that these those there here i me my mine we us our ours you your yours he she it its they them "
        "their theirs one ones who whom whose which what where when how why if then so as than too also and or but nor "
        "yet of to in into on onto at by for from with about around over under up down out off per via between among "
        "across during after before until till since while because although though however therefore thus hence both "
        "either each every all any some most many much more less few several other others another such same own very "
        "really quite rather just only even still already again once ever always usually often sometimes mostly maybe "
        "perhaps probably likely roughly approximately nearly almost ish otherwise etc eg ie vs like s t re ll ve d m "
        "em not no none without dont doesnt didnt isnt arent wont cant cannot shouldnt wouldnt wasnt couldnt anything "
        "something nothing everything someone somebody everyone everybody anyone anybody nobody it's that's there's "
        "let lets whether once upon within along toward towards well kind sort way ways thing things lot lots bit"
    ).split()
)
"""Words of sentences; none is part of a name."""
ORDINARY: Final = GRAMMAR | frozenset(
    (
        # --- verbs of being, having, wanting ---
        "is are was were be been being am do does did doing done have has had having can could may might must shall "
        "should will would need needs needed want wants wanted wish wishes hope hoping plan plans planning planned "
        "expect expects expecting expected think thinks guess assume assuming suppose say says said tell "
        "know get gets getting got give gives given take takes taken taking make makes making made use uses used "
        "using put go goes going come comes coming see sees look looks looking find run runs running serve serves "
        "serving served host hosts hosting hosted deploy deploys deploying deployed deployment build builds building "
        "built size sizes sizing keep keeps keeping show shows help helps start starting try trying work works "
        "working set setup ask asks asking send sends sending receive receives handle handles handling support "
        "supports supporting provide provides require requires required process processes processing write writes "
        "writing read reads calculate estimate estimates recommend suggest choose pick decide buy rent pay launch "
        "launched launching available unavailable ship shipping move moving switch switching consider considering "
        "understand called named based currently today now soon later new existing current next first then second "
        "please thanks thank hi hello hey hallo hola bonjour ok okay yes dear regards cheers sorry actually basically "
        "simply simple typical typically normal normally usual average averages mean total totals altogether overall "
        "roughly exactly least max maximum min minimum number numbers amount count counts figure figures value values "
        "range about circa ca approx etc possible possibly able good great best nice fine right last past previous "
        "recent slow big small large little long short high low higher lower longer shorter enough "
        # --- general words of the trade ---
        "sla slas slo slos hold holds feasible self website site open internal llm llms model models ai ml service "
        "services server servers serving application app apps product project team teams company customer customers "
        "workload workloads traffic load inference system systems solution platform cluster fleet gpu gpus card cards "
        "accelerator accelerators hardware machine machines infrastructure endpoint endpoints api instance instances "
        "node nodes replica replicas capacity request requests query queries question questions prompt prompts answer "
        "answers response responses reply replies output outputs input inputs completion completions token tokens "
        "chat chats message messages conversation conversations call calls user users people person clients client "
        "inference generation generations text texts length lengths rate rates requests_per concurrency concurrent "
        "time times day days hour hours minute minutes second seconds week month year size parameter parameters param "
        "params weights weight version instruct checkpoint quantized quantised precision format cloud provider region "
        "cost costs price prices money bill billing busy data"
    ).split()
)
"""In lower case, without apostrophes."""
ASKING: Final = frozenset("ask asks asking use uses using type types write writes send sends prompt chat".split())
"""What people do with a language model."""
