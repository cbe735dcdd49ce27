// Written by `make schemas` out of verify.py: the format as data, explained in docs/evidence-format.md.

export const LONGEST_LINE = 4194304;

export const MOST_WAYS = 50000;

export const LONGEST_NUMBER = 200;

export const FORMATS = ["firstbuy-evidence-v1", "firstbuy-evidence-v2"];

export const LEADING = ["RoundAnnounced", "RoundAmended", "RoundOpened", "RoundExtended", "RoundFrozen", "EpochOpened", "EligibilityCompleted", "ScoresClosed", "InputsCommitted", "SourceValueRecorded", "SelectionProposed", "ReleaseOpened"];

export const ANNOUNCED = ["closes_at", "lead_seconds", "opens_at", "policy_hash", "rehearsal", "round", "sources", "title", "unattended"];

export const TEXTS = String.raw`
text               [^\u0000]{0,10000}
line               [^\u0000-\u001f]{1,200}
code               [a-z0-9][a-z0-9-]{0,60}
parameter          [a-z][a-z0-9_]{0,60}
pattern            [^\u0000]{1,200}
round              [a-z0-9][a-z0-9-]{1,39}
institution        [a-z][a-z0-9-]{1,30}
request-id         [a-z][a-z0-9-]{1,30}/[A-Za-z0-9._-]{1,64}
uuid               [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
hash               [0-9a-f]{64}
nonce              [0-9a-f]{32}
hex                ([0-9a-f]{2}){1,500}
base64             [A-Za-z0-9+/]+={0,2}
moment             [0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z
day                [0-9]{4}-[0-9]{2}-[0-9]{2}
value              [0-9a-f./]{1,4000}
class              [0-9]{8}
detailed-class     [0-9]{10}
item               [0-9]{8}
business-number    [0-9]{10}
corporate-number   [0-9]{13}
reference          [A-Za-z0-9._-]{1,64}
file-name          [^\u0000-\u001f\u007f/\\]{1,255}
media-type         [a-z]+/[a-z0-9][a-z0-9.+-]{0,125}
format             firstbuy-evidence-v[12]
depth              public|auditor
method             weighted-draw|score
source-kind        rehearsal|rfc3797|drand
outcome            eligible|ineligible
finding            pass|fail|waived|unknown
unit               won|days|count
result             selected|reserve|not-selected
reason             ineligible|below-threshold|no-demand|firm-limit|reserve-full|given-up|declined
cause              given-up|declined
identity           none|registry|identity-provider
legal-form         corporation|sole-proprietor
origin             new|succession|conversion|reopening
status             active|suspended|closed
`;

export const NUMBERS = String.raw`
count              0 9007199254740991
positive           1 9007199254740991
whole              -9007199254740991 9007199254740991
tickets            0 1000
epoch              1 1000000
`;

export const SHAPES = String.raw`
Act                    round:round actors:Actor[] reason:line
Terms                  title:line opens_at:moment closes_at:moment policy_hash:hash lead_seconds:count
                       sources:Source[] rehearsal?:Rehearsal? unattended?:bool announcement_root?:hash?
head                   bundle:format depth:depth epoch:epoch round:round
pledges                type:code pledges:(institution,count)[]
request                type:code request:request-id version:positive payload_hash:hash institution:institution
                       class_code:class quantity:positive budget_won:positive price_ceiling_won:positive?
                       certificate_kinds:code[] region:code? delivery_days_at_most:count? sealed:hash
entry                  type:code application:uuid version:positive payload_hash:hash judged_in:epoch outcome:outcome
                       findings_hash:hash tickets:tickets score:count? drawn_under:epoch track:code firm:positive
                       class_code:class price_won:positive capacity:positive delivery_days:count regions:code[]
                       certificates:code[] position:positive? key:hash? result:result reason:reason?
                       reserve_position:positive? awards:(request-id,positive,positive)[] sealed:hash
                       identity?:identity applicant?:line product?:line
end                    type:code records:count root:hash later:count later_root:hash
opened-request         nonce:nonce facts:RequestFacts
opened-entry           nonce:nonce facts:Facts findings:Finding[] marks?:(code,positive,count,bool)[]
Actor                  name:line role:code
Rehearsal              real_anchor:moment programme_anchor:moment rate:positive seed:line
Source                 source:code kind:source-kind period_seconds:positive description:line anchor?:moment?
                       fails_after_seconds?:positive? chain_hash?:hash? public_key?:hex? scheme?:code?
Invitation             institution:institution pledge_won:count
Manifest               count:count root:hash counts:count[] roots:hash[]
Amended                application:uuid version:positive
Leaving                application:uuid cause:cause reason:text
Cancelled              request:request-id reason:text
RequestFacts           class_code:class quantity:positive budget_won:positive price_ceiling_won?:positive?
                       certificate_kinds?:code[] region?:code? delivery_days_at_most?:count? note?:text
Facts                  track:code applicant:Applicant product:Product certificates?:Certificate[]
                       documents?:DocumentFile[]?
Document               number:line issued_on:day expires_on?:day?
DocumentFile           kind:code sha256:hash bytes:positive media_type:media-type name:file-name
Certificate            kind:code number:line issued_on:day expires_on?:day? grade?:code?
SupplyRecord           won:count count:count
Applicant              name:line business_number:business-number legal_form:legal-form started_on:day
                       corporate_number?:corporate-number? origin?:origin status?:status? sanctioned?:bool?
                       sme_confirmation?:Document? supply_record?:SupplyRecord? annual_sales_won?:count?
                       credit_grade?:line?
Product                name:line reference:reference class_code:class price_won:positive capacity:positive
                       delivery_days:count regions?:code[] item_id?:item? detailed_class?:detailed-class?
                       description?:text direct_production?:Document?
Finding                rule:code legal_source:line outcome:finding seen:stated? needed:stated? margin:whole?
                       unit:unit? decides:bool
Titled                 ko:line en:line
Parameters             *parameter:stated
Notices                *parameter:Titled
Kind                   kind:code name:Titled authority:line number_pattern:pattern grades?:code[]
                       validity_years?:positive?
Condition              rule:code legal_source:line parameters?:Parameters decides?:bool
Waiver                 code:code legal_source:line when:code[] waives:code[]
Track                  track:code name:Titled conditions:Condition[] waivers?:Waiver[] certificates?:code[]
                       limits?:TrackLimits?
TicketStep             tickets:tickets startup?:bool? first_timer?:bool? record_won_at_most?:count?
                       record_count_at_most?:count?
ScoreStep              points:count record_won_at_most?:count?
Scoring                supply_record:ScoreStep[] panel_points?:count threshold?:count
TrackLimits            places?:positive? reserve?:count? selections_per_firm?:positive?
                       applications_per_firm?:positive?
Limits                 places?:positive? reserve?:count? applications_per_firm?:positive? selections_per_firm:positive
                       requests_per_product:positive contract_tolerance_percent?:count?
Rolling                every_months:positive status_months:positive
RegistryUse            registry:code authority:line kinds?:code[]
Policy                 policy:round title:Titled method:method as_of:day certificates:Kind[] tracks:Track[]
                       tickets:TicketStep[] limits:Limits scoring?:Scoring? purchasable_classes?:code[]
                       rolling?:Rolling? notices?:Notices? identity?:identity? registries?:RegistryUse[]?
RoundAnnounced         +Act +Terms policy:code series?:round? cut?:positive? pledges?:Invitation[]?
RoundAmended           +Act +Terms policy:code amendment:positive amended_at:moment pledges?:Invitation[]?
RoundOpened            +Act +Terms policy:Policy institutions:Invitation[] key_fingerprints?:hash[] series?:round?
                       cut?:positive?
RoundExtended          +Act closes_at:moment closed_at_before:moment
RoundFrozen            +Act epoch:epoch frozen_at:moment closes_at:moment applications:Manifest requests:Manifest
                       pledges?:Invitation[]?
EpochOpened            +Act epoch:epoch opened_at:moment applications:Manifest requests:Manifest judge_again:uuid[]
                       judge_all?:bool admitted?:uuid[] amended?:Amended[] supplementary_source?:code?
EligibilityCompleted   round:round epoch:epoch applications_root:hash verdicts:Manifest eligible:count
                       ineligible:count completed_at:moment
ScoresClosed           +Act epoch:epoch marks:count marks_root:hash closed_at:moment
InputsCommitted        round:round epoch:epoch applications_root:hash requests_root:hash verdicts_root:hash
                       entries_root:hash pledges_root:hash policy_hash:hash commitment_root:hash entries:count
                       committed_at:moment seed_epoch?:epoch? supplementary?:count
SourceValueRecorded    +Act epoch:epoch source:code value:value due_at:moment recorded_at:moment
                       beacon_round?:positive? signature?:hex?
SelectionProposed      round:round epoch:epoch commitment_root:hash seed:hash selection_root:hash selected:count
                       reserve:count not_selected:count proposed_at:moment shown_root?:hash?
SelectionConfirmed     +Act epoch:epoch commitment_root:hash selection_root:hash confirmed_at:moment batch?:positive?
                       batch_root?:hash? shown_root?:hash?
CommitmentTimeStamped  round:round epoch:epoch commitment_root:hash authority:line token:base64 stamped_at:moment
ReleaseOpened          +Act epoch:epoch batch:positive selection_root:hash leaving:Leaving[] cancelled:Cancelled[]
                       opened_at:moment
ReleaseProposed        round:round epoch:epoch batch:positive selection_root:hash state_hash:hash batch_root:hash
                       promoted:count changed:count withdrawn:count proposed_at:moment
ReleaseConfirmed       +Act epoch:epoch batch:positive batch_root:hash confirmed_at:moment
RegistryWaived         +Act registry:code waived_at:moment
RoundFinalized         +Act epoch:epoch finalized_at:moment
RoundVoided            +Act voided_at:moment
`;

export const LIFE = String.raw`
RoundAnnounced         unknown > announced none by=announcers
RoundAmended           announced > announced none each=amendment by=announcers
RoundOpened            announced > open none by=clock title~terms.title opens_at~terms.opens_at
                       closes_at~terms.closes_at policy_hash~terms.policy_hash lead_seconds~terms.lead_seconds
                       sources~terms.sources rehearsal~terms.rehearsal unattended~terms.unattended
                       announcement_root~terms.announcement_root policy.policy~terms.policy
                       series~RoundAnnounced.series cut~RoundAnnounced.cut
RoundExtended          announced,open > same none each=closes_at by=officers
RoundFrozen            open > frozen first by=clock moment=frozen_at since=closes_at
EpochOpened            frozen,judged,committed,drawn,proposed,confirmed > frozen later by=officers moment=opened_at
                       since=before requests~RoundFrozen.requests
EligibilityCompleted   frozen > judged any moment=completed_at since=set applications_root~set.applications.root
                       verdicts.count~set.applications.count
ScoresClosed           frozen,judged > same any by=officers moment=closed_at since=set
InputsCommitted        judged > committed any moment=committed_at since=EligibilityCompleted,ScoresClosed
                       applications_root~set.applications.root requests_root~set.requests.root
                       verdicts_root~EligibilityCompleted.verdicts.root entries~EligibilityCompleted.verdicts.count
                       policy_hash~RoundOpened.policy_hash
SourceValueRecorded    committed > drawn any by=clock-or-officers moment=recorded_at since=InputsCommitted,due_at
SelectionProposed      committed,drawn > proposed any moment=proposed_at since=InputsCommitted,SourceValueRecorded
                       commitment_root~InputsCommitted.commitment_root
SelectionConfirmed     proposed > confirmed any by=officers moment=confirmed_at since=SelectionProposed
                       commitment_root~InputsCommitted.commitment_root selection_root~SelectionProposed.selection_root
                       shown_root~SelectionProposed.shown_root
ReleaseOpened          proposed,confirmed > same any each=batch by=officers moment=opened_at since=SelectionProposed
                       selection_root~SelectionProposed.selection_root
ReleaseProposed        proposed,confirmed > same any each=batch moment=proposed_at since=ReleaseOpened
                       selection_root~SelectionProposed.selection_root
ReleaseConfirmed       confirmed > same any each=batch by=officers moment=confirmed_at since=ReleaseProposed
                       batch_root~ReleaseProposed.batch_root
CommitmentTimeStamped  committed,drawn,proposed,confirmed > same any commitment_root~InputsCommitted.commitment_root
RegistryWaived         * > same none each=registry by=officers
RoundFinalized         confirmed > final any by=clock moment=finalized_at since=SelectionConfirmed
RoundVoided            announced,open,frozen,judged,committed,drawn,proposed > void end by=officers
`;
