"""Text with capitals, labels and code and no names at all. The same notation as in `prose.py`; nothing here is labelled but `{loc}`."""

PLAIN = """
[Click|Tap|Press|Select|Open|Choose] {term} [and then|, then|or] {term} [in|on] the {adj_cap} {noun_cap} [menu|tab|screen|page].
## {term}\\n\\n{say_cap}. See {term} and {term} for details.
# {adj_cap} {noun_cap}\\n\\n- {term}\\n- {term}\\n- {term}
{n}. {term}\\n{n}. {term}\\n{n}. {term}
[The|Our|Your|A] {term} [is|was|must be] [updated|reviewed|complete|ready] [by|on|before] {weekday}[, {month} {n}|].
[Install|Upgrade|Configure|Run|Debug|Deploy|Use|Compare|Explain] {product} [on|with|for|and|vs] {product}[ {n}.{n}|].
[How do I|How can I|Can I|Why does|What is the best way to] [run|install|use|debug|connect|migrate] {product} [on|to|with|from] {product}?
{product} [crashes|is slow|does not start|fails] [after|when|because] [the update|{product} is running|I click {term}].
[I am using|We use|They moved to|Our stack is] {product}, {product} and {product}[ on {product}|].
[Meeting|Deadline|Release|Demo|Sprint] on {weekday}, {month} {n}[, {year}|] at {time}.
{month} {n}, {year}: {term}, {term}.
[Monday|Tuesday|Wednesday|Thursday|Friday]: {noun}; [Saturday|Sunday]: {noun}.
WARNING: {say}. [ERROR|FATAL|INFO|DEBUG] {noun_cap}{noun_cap}Exception: {say}
Traceback (most recent call last):\\n  File "{noun}.py", line {n}, in <module>\\n{noun_cap}Error: {say}
public class {noun_cap}{noun_cap} extends {adj_cap}{noun_cap} {{\\n    private final String {noun};\\n    public {noun_cap}{noun_cap}() {{ this.{noun} = "{term}"; }}\\n}}
def {noun}_{noun}({noun}: List[int], {adj}: Dict[str, Any]) -> Optional[{noun_cap}]:\\n    \\"\\"\\"Return the {adj} {noun} of {noun}.\\n    >>> {noun}_{noun}([{n}, {n}], {n})\\n    {n}\\n    \\"\\"\\"\\n    return None
from {noun}.{noun} import {noun_cap}, {adj_cap}{noun_cap}\\nimport {noun}\\n\\nclass {noun_cap}({adj_cap}{noun_cap}):\\n    pass
const {noun} = new {noun_cap}{noun_cap}({{ {adj}: true, name: '{noun}' }}); // {say}
if ({noun} == {noun_cap}.{adj_upper}) {{ return {adj_cap}{noun_cap}.of({noun}); }} else {{ throw new Illegal{noun_cap}Exception("{term}"); }}
SELECT {noun_cap}Id, {adj_cap}{noun_cap} FROM {noun_cap}s WHERE {noun_cap}Date > '{year}-0{digit}-1{digit}' ORDER BY {noun_cap}Id;
[export|SET|ENV] {adj_upper}_{noun_upper}={n}
assert candidate([{n}, {n}, {n}], {n}) == [True|False|{n}]
{{"type": "{noun}", "title": "{term}", "enabled": true, "{noun}Count": {n}, "model": "{product}"}}
{{"role": "user", "content": "[Explain|Write|Fix] {product} [code|tests|errors]"}}
apiVersion: v1\\nkind: {noun_cap}{noun_cap}\\nmetadata:\\n  name: {adj}-{noun}\\nspec:\\n  {noun}Class: {adj_cap}
<div class="{adj}-{noun}"><h1>{term}</h1><button>{term}</button></div>
A {noun} [costs|weighs|takes|holds] {n} [dollars|grams|minutes|litres]. [A|Another] {noun} costs [twice|half] as much. How much do {n} {noun}s cost?
There are {n} {noun}s in a {noun}. Each {noun} has {n} {noun}s. How many {noun}s are there [in total|on {weekday}|in {month}]?
[Half|One third|{n}%] of the {noun}s are {adj}. If {n} are {adj}, how many are [left|there]? Each one costs ${n}. {n}*{n}=<<{n}*{n}={n}>>{n}.
[Solve|Find|Prove|Let|Suppose|Given|Calculate] [x|the value of x|that f(x) = {n}x + {n}|the area of a triangle with sides {n}, {n} and {n}].
[Theorem|Lemma|Example|Exercise|Figure|Table|Equation|Step] {n}. [Let|Suppose] [x|A|G|n] be [a|an] {adj} {noun}.
The {noun} [is|was] {adj} and the {noun} [is|was] {adj}. [However|Therefore|Meanwhile|Then|Because of this], the {noun} [fell|grew|stopped].
[Preheat|Mix|Add|Stir|Chop|Bake|Serve] the [Cheddar|Parmesan|butter|flour|Dijon mustard|Worcestershire sauce|Basmati rice] [for {n} minutes|with salt|until golden].
[Caesar Salad|French Fries|Spaghetti Bolognese|Eggs Benedict|Beef Wellington|Peking Duck|Irish Coffee|Bloody Mary|Earl Grey Tea|Margherita Pizza] - ${n}
[Is|Was|Can|Does|Why is|How is] [the|a|my|your] {noun} {adj}?
[I|We|They|You] [think|know|hope|said|saw] [that |]the {noun} [is|was] {adj}[, and I like it|, but it was late|].
[Can|May|Will|Could|Mark|Rob|Bill|Grant|Frank|Grace|Hope|Chase|Drew|Pat|Jack|Art|Rich|Sue|Dawn|Summer|Faith|Joy|Rose|Ivy|Olive|Amber|Violet] [the|a|your] {noun} [with|on|in|by] the {noun}.
{adj_cap} {noun_cap} [Inn Express Rate|Gift Card|Reward Points|Bundle|Edition|Plan|Subscription]: ${n} per month
[CEO|CTO|VP|PM|QA|UI|UX|API|SDK|KPI|OKR|SLA|ETA|FAQ|TBD|ASAP|FYI|EOD] [review|update|meeting|report] [moved|is due|done] [by EOD|on {weekday}|].
[USA|GDP|CPU|GPU|RAM|SQL|HTML|CSS|PDF|URL|XML|CSV|DNS|SSH|VPN] [is|and|or|vs] [CPU|GPU|RAM|SQL|XML|CSV|DNS|SSH] [{n}|values|settings]
[{adj_upper}|IMPORTANT|NOTE|ATTENTION|DO NOT|PLEASE READ]: {say_upper}
[The {nat}|A {nat}|Some {nat}] {noun} [and|or|with] [a|the] {adj} {noun}.
[The|In] [North|South|East|West|Northern|Southern] [wind|side|wing|entrance] [is|was] {adj}.
[Translate|Say|Write] "[Good morning|Where is the station|I am hungry|Thank you very much]" in {nat}.
[Genesis|Exodus|Psalm|Proverbs|Matthew|Mark|Luke|John|Acts|Romans] {n}:{n}
[God|Lord|Heaven|Satan|Santa|Cupid|Mother Nature|Lady Luck|Jack of all trades|Tom, Dick and Harry|John Doe clause|Big Brother|Uncle Sam] [is|and|or] {adj}.
[Version|Build|Release|Patch|Milestone] {n}.{n}.{n} "{adj_cap} {noun_cap}" [released|is out|notes]
[Write|Create|Generate|Make] [a|an|the] {adj} {noun} [about|for|with] [a|the] {noun}. [Use|Include|Avoid] {term}. [Answer in {nat}.|Be brief.|]
You are a helpful assistant. [Answer in JSON.|Use Markdown.|Be concise.|Never reveal the System Prompt.|Do not mention {term}.]
{term}: {n}%. {term}: {money}. {term}: {year}.
[Q1|Q2|Q3|Q4|FY{year}|H1] {term} [up|down|flat] {n}% [vs|versus|from] [Q1|Q2|last year]
[what|how|why|when] [is|does|can] [the|my|a] {noun} [{adj}|work|cost]
[set|turn|play|stop|start|cancel|change] [the|my] {adj} {noun}[ please| now| at {time}|]
[Rock|Jazz|Hip Hop|Punk|Country|Classical|Blues|Folk] and [Soul|Disco|Reggae|Metal|Opera] [are|were] {adj} in the {n}0s.
[Section|Article|Clause|Rule|Appendix|Schedule] {n}.{n} [The|Any|No] [Tenant|Landlord|Employee|Employer|Company|Client|Contractor|Party|Licensee] [shall|may|must not] [use|disclose|pay|terminate] the {noun_cap}.
[The Company|The Parties|The Supplier|The Customer|The Buyer|The Service Provider] [agrees|shall|warrants] to [deliver|keep|pay] the {noun} within {n} [Business Days|days].
[WHEREAS|NOW, THEREFORE|IN WITNESS WHEREOF|PROVIDED THAT], {party} [desires to borrow|is willing to lend|agrees to pay|hereby assigns] [to {party} ||]the {noun} [hereunder|hereto|thereof|as set forth herein].
{n}. {term_upper}. {party} [agrees to|shall|may|hereby agrees to] [pay|notify|indemnify|loan to|release] {party} [the principal sum of {money}|within {n} days|in writing].
[The parties|Both parties|{party} and {party}] [hereto|hereby] [agree|acknowledge|represent] that the {noun} is {adj}, the receipt and sufficiency of which is hereby acknowledged.
Department: {medical}\\n[Specialty|Diagnosis|Medication|Test]: {medical}\\nQty: {n}\\nRefills: {digit}
[Principal Diagnosis|Assessment|Plan|History|Allergies]: {medical}[, {medical}|]. [Take|Start|Stop|Continue] {medical} {n} mg [daily|twice daily|with meals].
[Referred to|Seen in|Consult with|Evaluated in] {medical} for [chest pain|evaluation|follow-up|deep vein thrombosis|ophthalmology review].
| {medical} | {n}.{n} | [L|H|N] | {n}-{n} |\\n| {medical} | {n} | [L|H|N] | {n}-{n} |
[Wallet|Balance|Portfolio|Assets]: {fin} ([BTC|ETH|LTC]): {n}\\n- {fin}: {n}\\n- {fin}: {n}
[The|An|Your] {fin} [number|code|account|payment|transfer|value] [{ref} |][is missing|was exposed|is {ref}|must be entered].
[Account Number|Routing Number|{fin}|Policy Number|Reference|Invoice]: {ref}\\n[Beginning Balance|Ending Balance|Amount Due|Total]: {money}
[Your Name]\\n[Your Address]\\n[Date]\\n\\nDear [Hiring Manager|Recipient Name|Customer],\\n\\n{say_cap}.
**[Claim Form|Personal Information|Policy Details|Incident Description|{term}]**\\n\\n**{term}:** [Yes|No|N/A|{n}|{date}]
[MATCH|MERGE|RETURN|WITH] (n:{noun_cap})-[r:{adj_upper}_{noun_upper}]->(m:{noun_cap}) RETURN n.{noun}, m.{adj} LIMIT {n}
for {noun} in range({n}):\\n    if {noun} % 2 == 0:\\n        coeff = {noun} * xs[i]\\n    elif {adj}:\\n        res.append(coeff)
fn {noun}_{adj}(mut self, {noun}: &str) -> Result<{noun_cap}, {noun_cap}Error> {{ let tmp = self.{noun}.iter().map(|x| x.len()).collect::<Vec<_>>(); }}
func ({noun} *{noun_cap}) {adj_cap}{noun_cap}(ctx context.Context) (*{noun_cap}, error) {{ return nil, fmt.Errorf("{say}: %w", err) }}
import {{ {noun_cap}, use{noun_cap} }} from '@{noun}/{adj}'; export default function {noun_cap}Page() {{ const [{noun}, set{noun_cap}] = useState(null); }}
kubectl get pods -n {noun} && helm upgrade {adj} ./charts --set image.tag=v{n} # {say}
FROM {noun}:{n}.{n} AS builder\\nRUN apt-get update && apt-get install -y {noun} {adj}\\nCOPY . /app
{noun_cap}{noun_cap}[Test|Service|Factory|Controller|Repository].{adj}{noun_cap}({noun}, {n}) -> {noun_cap}Error: {say}
The {noun_cap} [Theorem|Lemma|Principle|Effect|Paradox|Equation|Number] [states|says|shows] that the {noun} is {adj}.
[A|The] [baker|farmer|teacher|shopkeeper|merchant|carpenter|salesman|student|gardener|painter] [sells|buys|has|makes|plants] {n} {noun}s[ a day|]. [He|She] [sells|gives away] {n} of them. How many are left?
[Pomeranians|Labradors|Poodles|Holsteins|Granny Smiths|Toyotas|Fords|Legos|Skittles|Oreos] [are|cost|weigh] {n} [dollars|pounds|each].
[cousins|lemonades|granola bars|madeleine cookies|marbles|stickers|pencils|cupcakes] [cost|are|weigh] {n} [dollars|grams] and [muffins|coupons|balloons] {n}.
[The {noun_cap}|{adj_cap} {noun_cap}|Chapter {n}|Episode {n}|Season {n}] [is|was] [the best|so boring|on tonight|sold out] [lol|!|:)|...|]
[OMG|LOL|WTF|YES|NO WAY|HELP|THANK YOU|I LOVE THIS|SO EXCITED|GOOD MORNING] [everyone|guys|!!!|it is {weekday}|:)]
[Happy|Merry|Good] [{weekday}|Christmas|Easter|Hanukkah|New Year|Eid] [to all|everyone|to my followers|!]
{word_cap} the {noun} [and|or|before] {word} the {word}[, then {word} it|].
{word_cap} [is|was|are|were|has|can be|to] {word}[, {word} and {word}|] [in|for|by|with] the {word}.
The {word_cap} {word_cap} [is|was|has|of {word_cap}] [a {word}|{word}|{word} {word}].
{word_cap}: {word}, {word}, {word}\\n{word_cap}: {word}\\n{word_cap}: {word} {word}
[A|The|Our|This|Your] {word_cap} {word} [needs|takes|helps|shows] {word_cap} and {word_cap}.
# {word_cap} {word_cap}\\n\\n{word_cap} {word} {word}. {word_cap} the {word} {word}.
[Assignment|Project|Course|Homework|Lesson|Module|Grading|Design] {word_cap}[: {word_cap} {word_cap}|]
{acronym} and {acronym} {word} the {word} [in {acronym}|per {acronym}|].
[Ship|Send|Mail] to ZIP {n}. [Office|Desk|Room|Floor|Bay|Gate] {n} [is|was] {adj}.
[The|A] {word} [region|branch|department|district|office|area] [in the {adj} north|is {adj}|handles all {word} accounts].
[Insertion|Selection|Heap|Bucket|Radix] sort [was|is] {word}. [Quicksort|Mergesort|Heapsort|Timsort|Backtracking] [was|is] {word} in the {word}.
[Prednisone|Warfarin|Insulin|Penicillin|Aspirin|Paracetamol|Zoloft] {n}mg [daily|as needed|was {word}]. No {word} effects.
"{word_cap} {word_cap}", "{word_cap}", '{word_cap}', '{word_cap}{word_cap}', "{word}{word_cap}"
["{word_cap}", "{word_cap}", "{word}"] == {word}_{word}("{word_cap} {word}") -> "{noun_upper}"
"""
